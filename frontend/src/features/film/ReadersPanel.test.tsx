import { screen } from '@testing-library/react'
import { afterEach, describe, expect, it, vi } from 'vitest'

import { filmCase, server, show } from '../../test-room'
import { ReadersPanel } from './ReadersPanel'

afterEach(() => vi.unstubAllGlobals())

const consensus = (state: string) => ({ state, profusion: null, large: null, rule: 'By the rule.', rule_zh: '按规则。' })

describe('the readers of a film', () => {
  it.each([
    ['needs-first', 'No reading counts yet.'],
    ['needs-second', 'A second reader is needed.'],
    ['agreed', 'The two readers agree.'],
    ['needs-third', 'The two readers differ: a third reader is needed.'],
    ['settled', 'Settled by the median of the readers.'],
  ])('are told where they stand: %s', async (state, words) => {
    server({
      'GET /api/cases/abc/readings': { body: { mine: [], others: [], consensus: consensus(state) } },
      'GET /api/accounts': { body: { accounts: [] } },
    })
    show(<ReadersPanel film={filmCase({ machine_open: true })} />, 'administrator')
    expect(await screen.findByText(words)).toBeTruthy()
  })
})
