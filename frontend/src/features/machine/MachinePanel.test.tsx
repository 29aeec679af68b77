import { cleanup, screen, waitFor } from '@testing-library/react'
import { afterEach, describe, expect, it, vi } from 'vitest'

import { filmCase, server, show, VOCABULARY } from '../../test-room'
import type { FilmCase } from '../../api/shapes'
import { MachinePanel } from './MachinePanel'
import { useMachine } from './useMachine'

function Panel({ film }: { film: FilmCase }) {
  const machine = useMachine(film)
  return <MachinePanel film={film} machine={machine.data} error={machine.error} mine={undefined} heat={null} onHeat={() => undefined} onReading={() => undefined} />
}

const TASKS = {
  ...VOCABULARY,
  tasks: [
    { name: 'differential', en: 'Differential', zh: '鉴别诊断', ordered: false, zone: null, classes: [{ name: 'healthy', en: 'healthy', zh: '健康' }] },
    { name: 'stage', en: 'Stage', zh: '期别', ordered: true, zone: null, classes: [{ name: 'II', en: 'stage II', zh: '贰期' }] },
  ],
}
const SAID = {
  assessment: {
    model: { name: 'tiny', weights_sha256: 'ff', konio_version: '0', precision: 'float32' }, status: 'assessed',
    tasks: { stage: { prediction: 'II', probabilities: { 0: 0, I: 0.2, II: 0.8, III: 0 } }, differential: { prediction: 'healthy', probabilities: { healthy: 1 } } },
    withheld: {}, regions: [], zones: null, quality: {},
    rule: { stage: 'I', clause: '5.1a', by_interpretation: false, sentence: 'Said by rule.', sentence_zh: '规则。' },
  },
  withheld_zh: {}, in_lungs: { stage: 0.72, differential: 0.31 }, outside_lungs: ['differential'], heats: [], film_notes: [], film_notes_zh: [],
}

const graded = (doubtful?: boolean) => {
  const zones = Object.fromEntries(VOCABULARY.zones.map(({ name }) => [name, { profusion: '2/1', expected: 6, confidence: 0.6, doubtful }]))
  return { ...SAID, assessment: { ...SAID.assessment, zones } }
}

afterEach(() => vi.unstubAllGlobals())

describe('the machine’s answer', () => {
  it('is not even asked for before the own reading is signed', async () => {
    const asked = server({ 'GET /api/vocabulary': { body: VOCABULARY }, 'GET /api/cases/abc/machine': { body: SAID } })
    show(<Panel film={filmCase({ machine_open: false })} />)
    expect(await screen.findByTestId('machine-closed')).toBeTruthy()
    expect(asked.some((one) => one.path.endsWith('/machine'))).toBe(false)
  })

  it('says before the stage that it is conditional and that network and standard differ', async () => {
    server({ 'GET /api/vocabulary': { body: VOCABULARY }, 'GET /api/cases/abc/machine': { body: SAID } })
    show(<Panel film={filmCase({ machine_open: true })} />)
    await waitFor(() => expect(screen.getByTestId('machine')).toBeTruthy())
    expect(screen.getByText(/The most probable answer is not dust/)).toBeTruthy()
    expect(screen.getByText(/differ\. Look at the zones first/)).toBeTruthy()
    expect(screen.getByText('Said by rule.')).toBeTruthy()
  })

  it('warns of the answer that was moved from outside the lungs, and gives each share', async () => {
    server({ 'GET /api/vocabulary': { body: TASKS }, 'GET /api/cases/abc/machine': { body: SAID } })
    show(<Panel film={filmCase({ machine_open: true })} />)
    const warning = await screen.findByTestId('outside-lungs')
    expect(warning.textContent).toContain('Differential (31 % inside): most of what moved the network lies outside the lungs')
    expect(warning.textContent).not.toContain('Stage')
    expect(screen.getByText('72 % of the colours lie inside the lungs.')).toBeTruthy()
    expect(screen.getByText('31 % of the colours lie inside the lungs.')).toBeTruthy()
  })

  it('warns in Chinese too, and of nothing where nothing is low', async () => {
    localStorage.setItem('konio.language', 'zh')
    server({ 'GET /api/vocabulary': { body: TASKS }, 'GET /api/cases/abc/machine': { body: SAID } })
    show(<Panel film={filmCase({ machine_open: true })} />)
    expect((await screen.findByTestId('outside-lungs')).textContent).toContain('鉴别诊断（肺野内 31 %）')
    cleanup()
    server({ 'GET /api/vocabulary': { body: TASKS }, 'GET /api/cases/abc/machine': { body: { ...SAID, in_lungs: { stage: null }, outside_lungs: [] } } })
    show(<Panel film={filmCase({ machine_open: true })} />)
    await screen.findByTestId('machine')
    expect(screen.queryByTestId('outside-lungs')).toBeNull()
    expect(screen.queryByText(/位于肺野内/)).toBeNull()
  })

  it.each([
    ['en', 'The most probable answer is tuberculosis: zone grades were learned from films without tuberculosis', 'zone ru'],
    ['zh', '最可能的回答为肺结核：肺区密集度由不含结核的胸片学得', '肺区 ru'],
  ])('shows the grades of a film of tuberculosis in grey and says why, in %s', async (language, why, zone) => {
    localStorage.setItem('konio.language', language)
    server({ 'GET /api/vocabulary': { body: VOCABULARY }, 'GET /api/cases/abc/machine': { body: graded(true) } })
    show(<Panel film={filmCase({ machine_open: true })} />)
    const warning = await screen.findByTestId('zones-doubtful')
    expect(warning.textContent).toContain(why)
    const grade = screen.getByRole('group', { name: zone })
    expect(grade.textContent).toContain('2/1')
    expect(grade.title).toBe(warning.textContent)
    expect(document.getElementById(grade.getAttribute('aria-describedby') ?? '')?.textContent).toBe(warning.textContent)
    const cells = [...document.querySelectorAll<HTMLElement>('.zone-cell')]
    expect(cells.map((cell) => cell.dataset['level'])).toEqual(Array(6).fill('none'))
    expect(document.querySelectorAll('[data-doubtful=true] .zone-grade')).toHaveLength(6)
  })

  it.each([[false], [undefined]])('leaves the grades of other films and of older results (%s) as they are', async (doubtful) => {
    server({ 'GET /api/vocabulary': { body: VOCABULARY }, 'GET /api/cases/abc/machine': { body: graded(doubtful) } })
    show(<Panel film={filmCase({ machine_open: true })} />)
    expect(await screen.findAllByText('2/1')).toHaveLength(6)
    expect(screen.queryByTestId('zones-doubtful')).toBeNull()
    expect(screen.queryByRole('group')).toBeNull()
    expect(document.querySelectorAll('.zone-cell[data-level="2"]')).toHaveLength(6)
    expect(document.querySelector('[data-doubtful=true]')).toBeNull()
  })

  it('calls what would alter the stage one change, as the pages of films do', async () => {
    const rule = { ...SAID.assessment.rule, one_change_away: [{ en: 'Stage II with aggregation.', zh: '有聚集则为贰期。' }] }
    server({ 'GET /api/vocabulary': { body: VOCABULARY }, 'GET /api/cases/abc/machine': { body: { ...SAID, assessment: { ...SAID.assessment, rule } } } })
    show(<Panel film={filmCase({ machine_open: true })} />)
    expect(await screen.findByText('One change away')).toBeTruthy()
    expect(screen.getByText('Stage II with aggregation.')).toBeTruthy()
  })
})
