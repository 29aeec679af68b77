import { screen, waitFor } from '@testing-library/react'
import { afterEach, describe, expect, it, vi } from 'vitest'

import { show } from '../../test-room'
import { useFilm } from './useFilm'

afterEach(() => vi.unstubAllGlobals())

/** A server of one film that gives one word in `step` where a pane is named, and remembers what it was asked. */
function films(rows: number, columns: number, step: number): string[] {
  const asked: string[] = []
  vi.stubGlobal('fetch', (path: string) => {
    asked.push(path)
    const every = path.includes('?') ? step : 1
    const bytes = new ArrayBuffer(2 * Math.ceil(rows / every) * Math.ceil(columns / every))
    const headers = { 'X-Film-Rows': String(rows), 'X-Film-Columns': String(columns), 'X-Film-Step': String(every) }
    return Promise.resolve(new Response(bytes, { headers }))
  })
  return asked
}

const seen: number[] = []

function Steps() {
  const film = useFilm('a b')
  const step = film.data?.levels[0]?.step
  if (step !== undefined) seen.push(step)
  return <p>{film.data ? `one in ${step} of ${film.data.columns} x ${film.data.rows}` : 'nothing'}</p>
}

describe('the pixels of a film', () => {
  it('come first as many as the screen has, then all of them', async () => {
    seen.length = 0
    const asked = films(1301, 1100, 2)
    show(<Steps />)
    await waitFor(() => expect(screen.getByText('one in 1 of 1100 x 1301')).toBeTruthy())
    expect(seen[0]).toBe(2)
    expect(asked).toEqual([expect.stringMatching(/^\/api\/cases\/a%20b\/film\.u16\?width=\d+&height=\d+$/), '/api/cases/a%20b/film.u16'])
  })

  it('are asked for once where the screen has enough for all of them', async () => {
    const asked = films(300, 200, 1)
    show(<Steps />)
    await waitFor(() => expect(screen.getByText('one in 1 of 200 x 300')).toBeTruthy())
    expect(asked).toHaveLength(1)
  })
})
