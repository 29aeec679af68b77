import { useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'

import { ApiError, unreachable } from '../../api/http'
import { megabytes } from '../../words/format'
import { WORDS } from '../../words/table'
import { fill } from '../../words/language'
import { fewAtOnce, send, type Upload } from './send'

type Change = { state: 'sending'; part: number } | { state: 'stored'; answer: Extract<Upload, { state: 'stored' }>['answer'] } | { state: 'failed'; error: ApiError }

/** The uploads of this page. `limit`: most bytes of one file, where it is known. */
export function useUploads(limit: number | undefined) {
  const client = useQueryClient()
  const [uploads, setUploads] = useState<Upload[]>([])
  const last = useRef(0)

  const change = (key: number, how: Change) =>
    setUploads((all) => all.map((one) => (one.key === key ? { key, file: one.file, ...how } : one)))

  const sendOne = async ({ key, file }: Upload) => {
    if (limit !== undefined && file.size > limit) {
      const [en, zh] = WORDS['upload.too-large']
      const size = { size: megabytes(limit) }
      change(key, { state: 'failed', error: new ApiError(413, 'too-large', fill(en, size), fill(zh, size)) })
      return
    }
    try {
      const answer = await send(file, (part) => change(key, { state: 'sending', part }))
      change(key, { state: 'stored', answer })
    } catch (error) {
      change(key, { state: 'failed', error: error instanceof ApiError ? error : unreachable() })
    }
    await client.invalidateQueries({ queryKey: ['cases'] })
  }

  const add = (files: File[]) => {
    const fresh: Upload[] = files.map((file) => ({ key: ++last.current, file, state: 'waiting' }))
    setUploads((all) => [...fresh, ...all])
    void fewAtOnce(fresh, sendOne)
  }
  return { uploads, add, clear: () => setUploads((all) => all.filter((one) => one.state === 'waiting' || one.state === 'sending')) }
}
