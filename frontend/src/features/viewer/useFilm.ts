import { useQuery } from '@tanstack/react-query'

import { http } from '../../api/http'
import { type Film, filmOf } from './pixels'

/** The pixels of a film, as many bits as it has. Kept for two minutes after it was last looked at. */
export function useFilm(id: string | null) {
  return useQuery({
    queryKey: ['film', id],
    enabled: id !== null,
    staleTime: Infinity,
    gcTime: 120_000,
    structuralSharing: false,
    queryFn: ({ signal }): Promise<Film> => fetchFilm(id as string, signal),
  })
}

async function fetchFilm(id: string, signal: AbortSignal): Promise<Film> {
  const answer = await http.bytes(`/api/cases/${encodeURIComponent(id)}/film.u16`, signal)
  const size = (name: string) => Number(answer.headers.get(name))
  return filmOf(await answer.arrayBuffer(), size('X-Film-Rows'), size('X-Film-Columns'))
}
