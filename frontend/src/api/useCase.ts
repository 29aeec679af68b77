import { useQuery } from '@tanstack/react-query'

import { http } from './http'
import type { FilmCase } from './shapes'

/** Everything known of one film; nothing is asked while there is no id. */
export function useCase(id: string | undefined) {
  return useQuery({
    queryKey: ['case', id],
    enabled: Boolean(id),
    queryFn: ({ signal }) => http.get<FilmCase>(`/api/cases/${encodeURIComponent(id ?? '')}`, signal),
  })
}
