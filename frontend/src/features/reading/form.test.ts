import { describe, expect, it } from 'vitest'

import { type Zone, ZONES } from '../../api/shapes'
import { draftOf, emptyForm, findingsOf, type Form, formOf, formOfDraft, largeOf, missingIn, numberOf } from './form'

const graded = (level = '1/1') => Object.fromEntries(ZONES.map((zone) => [zone, level])) as Record<Zone, string>
const full: Form = {
  ...emptyForm(),
  zones: graded('2/1'),
  aggregation: true,
  large: [{ long: '31,5', short: '12' }],
  primary: 'q',
  secondary: 't',
  symbols: ['tb'],
  quality: 2,
  disease: '矽肺',
  override: { stage: 'I', reason: 'older film' },
  comment: '  calcified  ',
  seconds: 75,
}

describe('the reading form', () => {
  it('is not complete until all six zones are graded', () => {
    expect(missingIn(emptyForm(), false)).toEqual([{ what: 'zones', count: 6 }])
    expect(findingsOf({ ...emptyForm(), zones: { ...graded(), ll: '' } })).toBeNull()
    expect(findingsOf({ ...emptyForm(), zones: graded() })?.zones).toEqual(graded())
  })

  it('goes to the server and comes back as it was', () => {
    const findings = findingsOf(full)
    expect(findings).toMatchObject({ large: [{ long_mm: 31.5, short_mm: 12 }], comment: 'calcified', plaque: null })
    expect(findingsOf({ ...formOf(findings!), seconds: 75 })).toEqual(findings)
  })

  it('keeps a draft, also one that is not complete, and uses no other', () => {
    const begun = { ...emptyForm(), zones: { ru: '0/1' }, comment: 'half' }
    expect(formOfDraft(JSON.parse(JSON.stringify(draftOf(begun))))).toEqual(begun)
    expect(formOfDraft({ schema: 'other', form: {} })).toBeNull()
    expect(formOfDraft(null)).toBeNull()
  })

  it.each([
    ['12', '8', { long_mm: 12, short_mm: 8 }],
    ['10', '8', null],
    ['12', '13', null],
    ['12', '0', null],
    ['', '', null],
    ['1e999', '5', null],
  ])('takes %s x %s mm for a large opacity or not', (long, short, expected) => {
    expect(largeOf({ long, short })).toEqual(expected)
  })

  it('reads numbers with a point or a comma', () => {
    expect([numberOf('12.5'), numberOf('12,5'), numberOf('  '), numberOf('x')]).toEqual([12.5, 12.5, null, null])
  })

  it('asks for reasons where the standard or an earlier version is departed from', () => {
    const form = { ...emptyForm(), zones: graded(), override: { stage: 'II' as const, reason: ' a ' } }
    expect(missingIn(form, true)).toEqual([{ what: 'override' }, { what: 'reason' }])
    expect(missingIn({ ...form, override: null, reason: 'second look' }, true)).toEqual([])
  })

  it('speaks of a plaque only where one is seen, and of its extent only after asbestos', () => {
    const seen = { ...emptyForm(), zones: graded(), plaque: { length: 0.7, heart: true, shaggy: false } }
    expect(findingsOf(seen)?.plaque).toBeNull()
    const plaque = { ...seen, pleura: { ...seen.pleura, plaque: true } }
    expect(findingsOf(plaque)?.plaque).toEqual({ length_fraction_of_wall: 0, heart_border_or_diaphragm: false, shaggy_heart: false })
    expect(findingsOf({ ...plaque, asbestos: true })?.plaque).toMatchObject({ length_fraction_of_wall: 0.7, heart_border_or_diaphragm: true })
  })
})
