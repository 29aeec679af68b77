/** News of jobs by server-sent events; asks every five seconds where no stream is to be had. */
import { http } from '../../api/http'
import type { Job } from '../../api/shapes'
import { forgetJobs, take } from './store'

const POLL_EVERY_MS = 5000

/** Follows the jobs until the returned function is called. */
export function followJobs(onSettled: (jobs: Job[]) => void, onSignedOut: () => void): () => void {
  let poll: ReturnType<typeof setInterval> | undefined
  let first = true
  const news = (jobs: Job[]) => {
    const settled = take(jobs)
    // What had come to an end before the first message changes nothing.
    if (settled.length && !first) onSettled(settled)
    first = false
  }
  const ask = () => {
    http.get<{ jobs: Job[] }>('/api/jobs?size=100').then(
      (answer) => news(answer.jobs),
      () => undefined, // the next round asks again
    )
  }
  const stopPolling = () => {
    clearInterval(poll)
    poll = undefined
  }
  const source = new EventSource('/api/events')
  source.addEventListener('jobs', (event: MessageEvent<string>) => {
    stopPolling()
    news((JSON.parse(event.data) as { jobs: Job[] }).jobs)
  })
  source.addEventListener('end', (event: MessageEvent<string>) => {
    if ((JSON.parse(event.data) as { reason?: string }).reason === 'signed-out') onSignedOut()
  })
  source.addEventListener('error', () => {
    // A stream that was refused (busy) does not come back by itself.
    if (source.readyState === EventSource.CLOSED) poll ??= setInterval(ask, POLL_EVERY_MS)
  })
  return () => {
    stopPolling()
    source.close()
    forgetJobs()
  }
}
