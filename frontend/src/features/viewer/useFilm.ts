import { useQuery } from '@tanstack/react-query'

import { http } from '../../api/http'
import { type Film, filmOf, isWhole } from './pixels'

const KEPT = { staleTime: Infinity, gcTime: 120_000, structuralSharing: false } as const

/**
 * The pixels of a film, as many bits as it has: first as many as the screen can show, then all of them.
 * Kept for two minutes after it was last looked at.
 */
export function useFilm(id: string | null) {
  const seen = useQuery({
    ...KEPT, queryKey: ['film', id, 'seen'], enabled: id !== null,
    queryFn: ({ signal }) => fetchFilm(id as string, pane(), signal),
  })
  const whole = useQuery({
    ...KEPT, queryKey: ['film', id, 'whole'], enabled: seen.data !== undefined && !isWhole(seen.data),
    queryFn: ({ signal }) => fetchFilm(id as string, '', signal),
  })
  return { data: whole.data ?? seen.data, error: seen.error ?? whole.error }
}

/** The pane as large as it will be about, in pixels of the screen; the answer is exact where the guess is. */
function pane(): string {
  const main = document.getElementById('content')
  const beside = window.matchMedia('(max-width: 860px), (orientation: portrait)').matches ? 0 : 400
  const width = Math.max(1, (main?.clientWidth || window.innerWidth) - beside)
  const height = Math.max(1, (main?.clientHeight || window.innerHeight) - 44)
  const ratio = Math.min(2, window.devicePixelRatio || 1)
  return `?width=${Math.round(width * ratio)}&height=${Math.round(height * ratio)}`
}

async function fetchFilm(id: string, query: string, signal: AbortSignal): Promise<Film> {
  const answer = await http.bytes(`/api/cases/${encodeURIComponent(id)}/film.u16${query}`, signal)
  const told = (name: string) => Number(answer.headers.get(name))
  return filmOf(await answer.arrayBuffer(), told('X-Film-Rows'), told('X-Film-Columns'), told('X-Film-Step'))
}
