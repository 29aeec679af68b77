/** The newest state of each film's job, as the server tells it. */
import { useSyncExternalStore } from 'react'

import type { Job } from '../../api/shapes'

const SETTLED = new Set(['done', 'failed', 'cancelled'])

let byCase: ReadonlyMap<string, Job> = new Map()
const listeners = new Set<() => void>()

/** Takes news in; gives back the jobs that have come to an end with it. */
export function take(jobs: Job[]): Job[] {
  const next = new Map(byCase)
  const settled: Job[] = []
  for (const job of jobs) {
    const before = next.get(job.case)
    if (before && before.id > job.id) continue
    if (SETTLED.has(job.state) && before?.state !== job.state) settled.push(job)
    next.set(job.case, job)
  }
  byCase = next
  listeners.forEach((listener) => listener())
  return settled
}

export function forgetJobs(): void {
  byCase = new Map()
  listeners.forEach((listener) => listener())
}

function subscribe(listener: () => void) {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

export function useJob(id: string): Job | undefined {
  return useSyncExternalStore(subscribe, () => byCase.get(id))
}
