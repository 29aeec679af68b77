import { screen } from '@testing-library/react'
import { afterEach, describe, expect, it, vi } from 'vitest'

import { server, show } from '../../test-room'
import AgreementPage from './AgreementPage'

const pair = { cases: 8, kappa: 0.71, low: 0.4, high: 0.93, confusion: [[4, 1], [0, 3]], classes: ['0', 'I'], exact: 0.875 }
const people = { a: { id: 1, display: 'Reader A' }, b: { id: 2, display: 'Reader B' } }

afterEach(() => vi.unstubAllGlobals())

describe('agreement', () => {
  it('stands while nothing can be compared yet', async () => {
    const body = {
      readers: [{ id: 1, display: 'Reader A', cases: 0, stage: null, drift: [] }], pairs: [{ ...people, stage: null, profusion: null }],
      machine: { stage: null, profusion: null }, adjudication: { agreed: 0, third: 0, settled: 0, open: 3 },
    }
    server({ 'GET /api/agreement?': { body } })
    show(<AgreementPage />)
    expect(await screen.findByText(/No film has both/)).toBeTruthy()
    expect(screen.getByText('wait for a second reader')).toBeTruthy()
  })

  it('shows kappa with its interval, the confusion and the months', async () => {
    const drift = [{ month: '2026-10', cases: 5, kappa: 0.6, low: 0.3, high: 0.9 }, { month: '2026-11', cases: 3, kappa: null, low: null, high: null }]
    const body = {
      readers: [{ id: 1, display: 'Reader A', cases: 8, stage: pair, drift }], pairs: [{ ...people, stage: pair, profusion: null }],
      machine: { stage: pair, profusion: pair }, adjudication: { agreed: 7, third: 1, settled: 0, open: 0 },
    }
    server({ 'GET /api/agreement?': { body } })
    show(<AgreementPage />)
    expect((await screen.findAllByText('0.71 (0.40 – 0.93)')).length).toBeGreaterThan(2)
    expect(screen.getByRole('img', { name: /by month.*2026-10: 0\.60/ })).toBeTruthy()
    expect(screen.getAllByText('88 %').length).toBeGreaterThan(1)
  })
})
