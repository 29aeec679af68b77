/** Renders a part of the room as it stands in the page, with a server that answers from a table. */
import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { render } from '@testing-library/react'
import type { ReactNode } from 'react'
import { MemoryRouter } from 'react-router'
import { vi } from 'vitest'

import { newClient } from './api/client'
import { SignedIn } from './api/session'
import type { Account, FilmCase, Role, Session, Vocabulary } from './api/shapes'
import { LanguageProvider } from './words/LanguageProvider'

export interface Asked {
  method: string
  path: string
  body: unknown
  headers: Headers
}

type Answer = { status?: number; body?: unknown } | ((asked: Asked) => { status?: number; body?: unknown })

/** A server that knows `METHOD /path` and nothing else; remembers what it was asked. */
export function server(answers: Record<string, Answer>): Asked[] {
  const log: Asked[] = []
  vi.stubGlobal('fetch', (path: string, init: RequestInit = {}) => {
    const method = init.method ?? 'GET'
    const asked = { method, path, body: typeof init.body === 'string' ? (JSON.parse(init.body) as unknown) : undefined, headers: new Headers(init.headers) }
    log.push(asked)
    const known = answers[`${method} ${path}`]
    const { status = 200, body = {} } = (typeof known === 'function' ? known(asked) : known) ?? NOT_FOUND
    return Promise.resolve(new Response(status === 204 ? null : JSON.stringify(body), { status }))
  })
  return log
}

const NOT_FOUND = { status: 404, body: { error: { code: 'not-found', message: 'There is no such thing.', message_zh: '没有该内容。' } } }

export function session(role: Role = 'reader'): Session {
  const account: Account = {
    id: 7, name: 'reader-a', display: 'Reader A', role, disabled: false, totp: false, must_change_password: false, created: '2026-11-20T08:00:00Z', last_sign_in: null,
  }
  return { account, csrf: 'token', expires: '2026-11-20T20:00:00Z', must_change_password: false, blind_first: true }
}

export const VOCABULARY: Vocabulary = {
  tasks: [], notice: '', notice_zh: '', symbols: [], diseases: [], quality_grades: [],
  shapes: [{ name: 'q', en: 'rounded', zh: '圆形' }],
  zones: ['ru', 'rm', 'rl', 'lu', 'lm', 'll'].map((name) => ({ name, en: `zone ${name}`, zh: `肺区 ${name}` })),
  profusions: ['0/-', '0/0', '0/1', '1/0', '1/1', '1/2', '2/1', '2/2', '2/3', '3/2', '3/3', '3/+'],
}

export function filmCase(part: Partial<FilmCase> = {}): FilmCase {
  return {
    id: 'abc', name: 'film.dcm', patient_id: null, patient_name: null, study_date: null, received: '2026-11-20T08:00:00Z', status: 'done', priority: 5,
    progress: 1, assigned: true, my_stage: null, my_signed: null, versions: 0, machine: null, sop_instance_uid: null, rows: 8, columns: 8,
    spacing_mm: [0.2, 0.2], format: 'dicom', bytes: 128, sha256: 'ab', film_notes: [], film_notes_zh: [], quality: {}, refusal: null, job: null, readers: [], earlier: [],
    machine_open: false, report_open: false, ...part,
  }
}

export function show(part: ReactNode, role: Role = 'reader') {
  return render(
    <QueryClientProvider client={newClient()}>
      <MantineProvider env="test">
        <LanguageProvider>
          <MemoryRouter>
            <SignedIn value={session(role)}>{part}</SignedIn>
          </MemoryRouter>
        </LanguageProvider>
      </MantineProvider>
    </QueryClientProvider>,
  )
}
