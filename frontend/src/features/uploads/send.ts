/** Sends files one request each, a few at a time, and tells how far each has come. */
import { ApiError, errorOf, token, unreachable } from '../../api/http'
import type { UploadAnswer } from '../../api/shapes'

export const AT_ONCE = 3

export type Upload = {
  key: number
  file: File
} & (
  | { state: 'waiting' }
  | { state: 'sending'; part: number }
  | { state: 'stored'; answer: UploadAnswer }
  | { state: 'failed'; error: ApiError }
)

/**
 * One file to the server.
 *
 * @param onPart part of the bytes that have left, 0..1.
 * @throws ApiError in the server's words.
 */
export function send(file: File, onPart: (part: number) => void): Promise<UploadAnswer> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', `/api/uploads?name=${encodeURIComponent(file.name)}`)
    request.setRequestHeader('X-CSRF-Token', token())
    request.setRequestHeader('Content-Type', 'application/octet-stream')
    request.upload.onprogress = (event) => onPart(event.lengthComputable ? event.loaded / event.total : 0)
    request.onerror = () => reject(unreachable())
    request.onload = () => {
      const body = parsed(request.responseText)
      if (request.status === 201 && body) resolve(body as UploadAnswer)
      else reject(errorOf(request.status, body))
    }
    request.send(file)
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Runs `work` over all items, at most `AT_ONCE` together; one that fails does not stop the others. */
export async function fewAtOnce<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items]
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}
