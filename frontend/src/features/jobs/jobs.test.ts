import { afterEach, describe, expect, it } from 'vitest'

import type { Job, JobState } from '../../api/shapes'
import { forgetJobs, take } from './store'

const job = (id: number, state: JobState, film = 'abc'): Job => ({
  id, case: film, case_name: 'film.dcm', state, step: '', progress: 0, priority: 5, attempts: 1, deaths: 0, reason: null, created: '', started: null, finished: null,
})

afterEach(forgetJobs)

describe('news of jobs', () => {
  it('tells each end once', () => {
    expect(take([job(1, 'running')])).toEqual([])
    expect(take([job(1, 'done')]).map((one) => one.id)).toEqual([1])
    expect(take([job(1, 'done')])).toEqual([])
  })

  it('is not misled by an older job of the same film', () => {
    take([job(5, 'running')])
    expect(take([job(4, 'failed')])).toEqual([])
  })
})
