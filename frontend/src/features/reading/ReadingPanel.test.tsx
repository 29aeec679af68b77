import { fireEvent, screen, waitFor } from '@testing-library/react'
import { afterEach, describe, expect, it, vi } from 'vitest'

import { ZONES } from '../../api/shapes'
import { server, show, VOCABULARY } from '../../test-room'
import { ReadingPanel } from './ReadingPanel'

const STAGING = {
  stage: 'I', clause: '5.1a', by_interpretation: false, overall: 1, distribution: 6, sentence: 'Clause 5.1a.', sentence_zh: '第5.1a项。',
  one_change_away: [], ilo_profusion: '1/1', phrase: null,
}
const nothing = { mine: [], others: [], consensus: null }

function room() {
  return server({
    'GET /api/vocabulary': { body: VOCABULARY },
    'GET /api/cases/abc/readings': { body: nothing },
    'GET /api/cases/abc/draft': { body: { draft: null } },
    'PUT /api/cases/abc/draft': { status: 204 },
    'POST /api/stage': { body: STAGING },
    'POST /api/cases/abc/readings': { status: 201, body: { id: 1, version: 1 } },
  })
}

afterEach(() => vi.unstubAllGlobals())

describe('one’s own reading', () => {
  it('is staged as it is typed, kept as a draft, and signed once it is complete', async () => {
    const asked = room()
    const onSigned = vi.fn()
    show(<ReadingPanel id="abc" blind measured={[]} onSigned={onSigned} />)
    const first = await screen.findByLabelText('zone ru')
    await screen.findAllByRole('option', { name: '1/1' })
    expect(screen.getByTestId('sign')).toHaveProperty('disabled', true)
    fireEvent.change(first, { target: { value: '1/1' } })
    for (const zone of ZONES) fireEvent.change(screen.getByLabelText(`zone ${zone}`), { target: { value: '1/1' } })
    expect(await screen.findByText('Clause 5.1a.')).toBeTruthy()
    await waitFor(() => expect(screen.getByTestId('sign')).toHaveProperty('disabled', false))
    fireEvent.click(screen.getByTestId('sign'))
    fireEvent.click(await screen.findByTestId('sign-do'))
    await waitFor(() => expect(onSigned).toHaveBeenCalledOnce())
    const signed = asked.find((one) => one.method === 'POST' && one.path === '/api/cases/abc/readings')
    expect(signed?.body).toMatchObject({ zones: Object.fromEntries(ZONES.map((zone) => [zone, '1/1'])), large: [], stage_override: null })
    expect(signed?.body).not.toHaveProperty('amends')
    await waitFor(() => expect(asked.some((one) => one.method === 'PUT' && one.path.endsWith('/draft'))).toBe(true))
  })

  it('offers no form to an administrator', async () => {
    room()
    show(<ReadingPanel id="abc" blind={false} measured={[]} onSigned={() => undefined} />, 'administrator')
    expect(await screen.findByText(/not by administrators/)).toBeTruthy()
    expect(screen.queryByTestId('sign')).toBeNull()
  })
})
