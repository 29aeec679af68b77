import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'

import { http } from '../../api/http'
import type { Findings, Reading, Readings, Staging } from '../../api/shapes'

const at = (id: string, what: string) => `/api/cases/${encodeURIComponent(id)}/${what}`

export function useReadings(id: string) {
  return useQuery({
    queryKey: ['readings', id],
    queryFn: ({ signal }) => http.get<Readings>(at(id, 'readings'), signal),
  })
}

/** The stage of findings by the server's own rules; null findings have none. */
export function useStaging(findings: Findings | null) {
  return useQuery({
    queryKey: ['stage', findings],
    enabled: findings !== null,
    staleTime: Infinity,
    gcTime: 60_000,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => http.post<Staging>('/api/stage', findings, signal),
  })
}

/** What was kept of a form that was not signed. What is kept from here on stands in the cache, too. */
export function useDraft(id: string, wanted: boolean) {
  return useQuery({
    queryKey: ['draft', id],
    enabled: wanted,
    staleTime: Infinity,
    refetchOnWindowFocus: false,
    queryFn: ({ signal }) => http.get<{ draft: unknown }>(at(id, 'draft'), signal),
  })
}

export function useKeepDraft(id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (draft: object) => http.put<undefined>(at(id, 'draft'), draft),
    onMutate: (draft) => {
      client.setQueryData(['draft', id], { draft })
    },
  })
}

export interface Signing {
  findings: Findings
  amends: number | null
  reason: string
}

/** Signs; what the signature opens is asked for anew. */
export function useSign(id: string, onSigned: (reading: Reading) => void) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: ({ findings, amends, reason }: Signing) =>
      http.post<Reading>(at(id, 'readings'), amends === null ? findings : { ...findings, amends, reason }),
    onSuccess: async (reading) => {
      client.setQueryData(['draft', id], { draft: null })
      await Promise.all(
        [['case', id], ['readings', id], ['machine', id], ['cases']].map((queryKey) => client.invalidateQueries({ queryKey })),
      )
      onSigned(reading)
    },
  })
}
