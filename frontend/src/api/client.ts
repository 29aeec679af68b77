/** The cache of everything the server has said, and what happens when it says that nobody is signed in. */
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query'

import { ApiError } from './http'

const SIGNED_OUT = ['sign-in-needed', 'password-change-needed']

export function newClient(): QueryClient {
  const onError = (error: Error) => {
    if (error instanceof ApiError && SIGNED_OUT.includes(error.code)) void client.invalidateQueries({ queryKey: ['session'] })
  }
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({ onError: (error, query) => query.queryKey[0] !== 'session' && onError(error) }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: { queries: { staleTime: 10_000, retry: mayRetry, refetchOnWindowFocus: true } },
  })
  return client
}

/** Only what may pass by itself is tried again: no network, or a server that is busy. */
export function mayRetry(count: number, error: Error): boolean {
  return error instanceof ApiError && (error.status === 0 || error.status === 503) && count < 3
}
