import { useQuery } from '@tanstack/react-query'

import { http } from '../../api/http'
import type { FilmCase, Machine, Outlines } from '../../api/shapes'

/** The machine's answer; asked for only when it may be seen, because the first look is written down. */
export function useMachine(film: FilmCase | undefined) {
  return useQuery({
    queryKey: ['machine', film?.id],
    enabled: film?.status === 'done' && film.machine_open,
    staleTime: 60_000,
    queryFn: ({ signal }) => http.get<Machine>(`/api/cases/${encodeURIComponent(film?.id ?? '')}/machine`, signal),
  })
}

/** Outlines of lungs and zones; they say where to look and wait for nobody. */
export function useOutlines(film: FilmCase | undefined) {
  return useQuery({
    queryKey: ['outlines', film?.id],
    enabled: film?.status === 'done',
    staleTime: Infinity,
    queryFn: ({ signal }) => http.get<Outlines>(`/api/cases/${encodeURIComponent(film?.id ?? '')}/outlines`, signal),
  })
}
