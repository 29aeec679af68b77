/** The one way to the server: JSON in and out, the CSRF token, one error with both languages. */

import { isAlone } from './attendance'

export interface FieldError {
  at: string
  message: string
}

/** What went wrong, in the server's own words. `status` 0: the server was not reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly en: string,
    readonly zh: string,
    readonly fields: FieldError[] = [],
  ) {
    super(en)
    this.name = 'ApiError'
  }
}

const UNREACHABLE = [
  'The server cannot be reached; check the network and try again.',
  '无法连接服务器，请检查网络后重试。',
] as const
const ODD = [
  'The server gave an answer that cannot be read; try again or tell the administrator.',
  '服务器的回答无法读取，请重试或告知管理员。',
] as const

let csrf = ''

/** Keeps the token that the session came with; it goes with every request that changes something. */
export function keepToken(token: string): void {
  csrf = token
}

export function token(): string {
  return csrf
}

/** The error of an answer, whatever its body holds. */
export function errorOf(status: number, body: unknown): ApiError {
  const found = (body as { error?: Record<string, unknown> } | null)?.error
  if (typeof found?.['message'] !== 'string') return new ApiError(status, 'failed', ...ODD)
  const { code, message, message_zh: zh, fields } = found
  return new ApiError(
    status,
    typeof code === 'string' ? code : 'failed',
    message,
    typeof zh === 'string' ? zh : message,
    Array.isArray(fields) ? (fields as FieldError[]) : [],
  )
}

export function unreachable(): ApiError {
  return new ApiError(0, 'unreachable', ...UNREACHABLE)
}

async function send(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (method !== 'GET') headers['X-CSRF-Token'] = csrf
  if (isAlone()) headers['X-Konio-Unattended'] = '1'
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  let answer: Response
  try {
    answer = await fetch(path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      credentials: 'same-origin',
      signal: signal ?? null,
    })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw unreachable()
  }
  if (!answer.ok) throw errorOf(answer.status, await answer.json().catch(() => null))
  return answer
}

async function json<T>(answer: Promise<Response>): Promise<T> {
  const response = await answer
  if (response.status === 204) return undefined as T
  try {
    return (await response.json()) as T
  } catch {
    throw new ApiError(response.status, 'failed', ...ODD)
  }
}

export const http = {
  get: <T>(path: string, signal?: AbortSignal) => json<T>(send('GET', path, undefined, signal)),
  post: <T>(path: string, body?: unknown, signal?: AbortSignal) => json<T>(send('POST', path, body ?? {}, signal)),
  put: <T>(path: string, body: unknown) => json<T>(send('PUT', path, body)),
  patch: <T>(path: string, body: unknown) => json<T>(send('PATCH', path, body)),
  delete: (path: string) => json<void>(send('DELETE', path)),
  bytes: (path: string, signal?: AbortSignal) => send('GET', path, undefined, signal),
}
