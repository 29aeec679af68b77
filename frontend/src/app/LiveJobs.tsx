import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect } from 'react'

import type { Job } from '../api/shapes'
import { followJobs } from '../features/jobs/stream'

/** Listens to the server while somebody is signed in; whatever a finished job has changed is asked for again. */
export function LiveJobs() {
  const client = useQueryClient()
  const onSettled = useCallback(
    (jobs: Job[]) => {
      void client.invalidateQueries({ queryKey: ['cases'] })
      for (const job of jobs) void client.invalidateQueries({ queryKey: ['case', job.case] })
    },
    [client],
  )
  const onSignedOut = useCallback(() => void client.invalidateQueries({ queryKey: ['session'] }), [client])
  useEffect(() => followJobs(onSettled, onSignedOut), [onSettled, onSignedOut])
  return null
}
