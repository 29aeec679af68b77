import { useQuery } from '@tanstack/react-query'

import { http } from '../../api/http'
import type { FilmCase } from '../../api/shapes'

export function useCase(id: string) {
  return useQuery({
    queryKey: ['case', id],
    enabled: id !== '',
    queryFn: ({ signal }) => http.get<FilmCase>(`/api/cases/${encodeURIComponent(id)}`, signal),
  })
}
