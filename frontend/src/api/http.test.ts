import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { ALONE_AFTER_MS, isAlone, noteAttendance } from './attendance'
import { http } from './http'

const sent = vi.fn<(path: string, init: RequestInit) => Promise<Response>>(() => Promise.resolve(new Response('{}')))

function unattended(): string | null {
  return new Headers(sent.mock.lastCall?.[1].headers).get('X-Konio-Unattended')
}

describe('a page that is left open', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    vi.stubGlobal('fetch', sent)
    noteAttendance()
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  it('says so with what it asks on its own, until somebody touches it', async () => {
    await http.get('/api/cases')
    expect(unattended()).toBeNull()
    vi.advanceTimersByTime(ALONE_AFTER_MS + 1)
    await http.get('/api/cases')
    expect(unattended()).toBe('1')
    window.dispatchEvent(new Event('keydown'))
    expect(isAlone()).toBe(false)
    await http.get('/api/cases')
    expect(unattended()).toBeNull()
  })
})
