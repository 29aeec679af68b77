/** Who is signed in. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { createContext, useContext } from 'react'

import { ApiError, http, keepToken } from './http'
import type { About, Session, Vocabulary } from './shapes'

export function useSession() {
  return useQuery({
    queryKey: ['session'],
    staleTime: 60_000,
    queryFn: async ({ signal }): Promise<Session | null> => {
      try {
        const session = await http.get<Session>('/api/session', signal)
        keepToken(session.csrf)
        return session
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) return null
        throw error
      }
    },
  })
}

/** Puts a session the server has just given in place of the one before. */
export function useEnter() {
  const client = useQueryClient()
  return (session: Session) => {
    keepToken(session.csrf)
    client.setQueryData(['session'], session)
  }
}

/** Forgets everything that belonged to the person who has signed out. */
export function useLeave() {
  const client = useQueryClient()
  return () => {
    keepToken('')
    client.setQueryData(['session'], null)
    client.removeQueries({ predicate: (query) => query.queryKey[0] !== 'session' })
  }
}

export const SignedIn = createContext<Session | null>(null)

/** The session, on pages that only a signed-in person sees. */
export function useMe(): Session {
  const session = useContext(SignedIn)
  if (!session) throw new Error('useMe needs a signed-in person')
  return session
}

export function useVocabulary() {
  return useQuery({
    queryKey: ['vocabulary'],
    staleTime: Infinity,
    queryFn: ({ signal }) => http.get<Vocabulary>('/api/vocabulary', signal),
  })
}

export function useAbout() {
  return useQuery({
    queryKey: ['about'],
    staleTime: 30_000,
    queryFn: ({ signal }) => http.get<About>('/api/about', signal),
  })
}
