import { describe, expect, it } from 'vitest'

import { ApiError } from '../api/http'
import { duration, likelihood, megabytes, moment, percent, withInterval } from './format'
import { fill, wordsIn } from './language'
import { type Key, WORDS } from './table'

const rows = Object.entries(WORDS) as [Key, readonly [string, string]][]
const holes = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort()

describe('the table of words', () => {
  it.each(rows)('%s is said in both languages, with the same holes to fill', (_key, [en, zh]) => {
    expect(en.trim()).not.toBe('')
    expect(zh.trim()).not.toBe('')
    expect(holes(zh)).toEqual(holes(en))
  })

  it('is Chinese in Chinese', () => {
    const foreign = rows.filter(([, [, zh]]) => !/[\u4e00-\u9fff]/.test(zh)).map(([key]) => key)
    expect(foreign).toEqual(['case.hash'])
  })

  it('holds no word that no page says', () => {
    const sources = Object.entries(import.meta.glob<string>('../**/*.{ts,tsx}', { query: '?raw', import: 'default', eager: true }))
    const said = sources.filter(([path]) => !/table|\.test\./.test(path)).map(([, text]) => text).join('\n')
    const built = [...said.matchAll(/`([\w.-]+[.-])\$\{/g)].map((match) => match[1] ?? '')
    const silent = rows.filter(([key]) => !said.includes(`'${key}'`) && !said.includes(`"${key}"`) && !built.some((start) => key.startsWith(start)))
    expect(silent.map(([key]) => key)).toEqual([])
  })

  it('is not Chinese in English', () => {
    expect(rows.filter(([, [en]]) => /[\u4e00-\u9fff]/.test(en))).toEqual([])
  })
})

describe('words in a language', () => {
  it('fills holes and leaves unknown ones', () => {
    expect(fill('{a} of {b}', { a: 1 })).toBe('1 of {b}')
  })

  it('says an error of the server in the language of the page', () => {
    const error = new ApiError(404, 'not-found', 'No such film.', '没有该胸片。')
    const zh = wordsIn('zh', () => undefined)
    expect(zh.fault(error)).toBe('没有该胸片。')
    expect(zh.fault(new TypeError('x'))).toBe(zh.t('fault.page'))
  })
})

describe('numbers as people read them', () => {
  it.each([
    [0.9999, '> 99 %'],
    [0.0004, '< 1 %'],
    [0.973, '97 %'],
    [0, '0 %'],
    [1, '100 %'],
  ])('percent(%f)', (value, text) => expect(percent(value)).toBe(text))

  it.each([
    [0, '< 1 %'],
    [0.456, '46 %'],
    [1, '> 99 %'],
  ])('likelihood(%f)', (value, text) => expect(likelihood(value)).toBe(text))

  it('never shows a kappa that is not defined', () => {
    expect(withInterval(null, null, null)).toBe('–')
    expect(withInterval(0.5, 0.25, 0.75)).toBe('0.50 (0.25 – 0.75)')
  })

  it('writes sizes, spans and instants', () => {
    expect([megabytes(900), megabytes(8_200_000), megabytes(18_000_000)]).toEqual(['1 kB', '8.2 MB', '18 MB'])
    expect(duration(75, 'en')).toBe('1 min 15 s')
    expect(moment(null)).toBe('–')
    expect(moment('2026-11-20T12:00:00Z')).toMatch(/^2026-11-2\d \d\d:\d\d$/)
  })
})
