/** Every word of the pages, English and Chinese side by side, so that neither language lags behind. */
import { ADMIN } from './table-admin'
import { FILM } from './table-film'
import { READING } from './table-reading'
import { ROOM } from './table-room'

export const WORDS = { ...ROOM, ...FILM, ...READING, ...ADMIN }

export type Key = keyof typeof WORDS
export type Pair = readonly [en: string, zh: string]
