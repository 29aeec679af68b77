/** The two languages of the reading room and the words of every page. */
import { createContext, useContext } from 'react'

import { ApiError } from '../api/http'
import { type Key, WORDS } from './table'

export type Language = 'en' | 'zh'

export interface Words {
  language: Language
  choose: (language: Language) => void
  /** The words of a key; `{name}` in them is filled from `values`. */
  t: (key: Key, values?: Record<string, string | number>) => string
  /** Words that came in both languages. */
  say: (both: { en: string; zh: string }) => string
  /** What an error says to a person. */
  fault: (error: unknown) => string
}

export const LanguageContext = createContext<Words | null>(null)

const KEPT = 'konio.language'

/** The language last chosen on this machine, else the browser's. */
export function firstLanguage(): Language {
  const kept = localStorage.getItem(KEPT)
  if (kept === 'en' || kept === 'zh') return kept
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en'
}

export function keepLanguage(language: Language): void {
  localStorage.setItem(KEPT, language)
}

export function fill(text: string, values: Record<string, string | number> = {}): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))
}

/** All that speaks one language; pure. */
export function wordsIn(language: Language, choose: (language: Language) => void): Words {
  const t: Words['t'] = (key, values) => fill(WORDS[key][language === 'en' ? 0 : 1], values)
  return {
    language,
    choose,
    t,
    say: (both) => both[language],
    fault: (error) => (error instanceof ApiError ? (language === 'en' ? error.en : error.zh) : t('fault.page')),
  }
}

export function useWords(): Words {
  const words = useContext(LanguageContext)
  if (!words) throw new Error('useWords needs LanguageProvider around it')
  return words
}
