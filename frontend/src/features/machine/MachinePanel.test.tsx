import { screen, waitFor } from '@testing-library/react'
import { afterEach, describe, expect, it, vi } from 'vitest'

import { filmCase, server, show, VOCABULARY } from '../../test-room'
import type { FilmCase } from '../../api/shapes'
import { MachinePanel } from './MachinePanel'
import { useMachine } from './useMachine'

function Panel({ film }: { film: FilmCase }) {
  const machine = useMachine(film)
  return <MachinePanel film={film} machine={machine.data} error={machine.error} mine={undefined} heat={null} onHeat={() => undefined} onReading={() => undefined} />
}

const SAID = {
  assessment: {
    model: { name: 'tiny', weights_sha256: 'ff', konio_version: '0', precision: 'float32' }, status: 'assessed',
    tasks: { stage: { prediction: 'II', probabilities: { 0: 0, I: 0.2, II: 0.8, III: 0 } }, differential: { prediction: 'healthy', probabilities: { healthy: 1 } } },
    withheld: {}, regions: [], zones: null, quality: {},
    rule: { stage: 'I', clause: '5.1a', by_interpretation: false, sentence: 'Said by rule.', sentence_zh: '规则。' },
  },
  withheld_zh: {}, heats: [], film_notes: [],
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
})
