import { fireEvent, screen } from '@testing-library/react'
import { afterEach, describe, expect, it, vi } from 'vitest'

import { token } from '../../api/http'
import { server, session, show } from '../../test-room'
import { SignIn } from './SignIn'

afterEach(() => vi.unstubAllGlobals())

function tryToSignIn() {
  fireEvent.change(screen.getByLabelText('Name'), { target: { value: 'reader-a' } })
  fireEvent.change(screen.getByLabelText('Password'), { target: { value: 'wrong or right' } })
  fireEvent.click(screen.getByRole('button', { name: 'Sign in' }))
}

describe('signing in', () => {
  it('shows the server’s own sentence when it is refused', async () => {
    const refused = { error: { code: 'sign-in-failed', message: 'Name, password or code is wrong.', message_zh: '账户名、密码或验证码有误。' } }
    server({ 'POST /api/session': { status: 401, body: refused } })
    show(<SignIn />)
    tryToSignIn()
    expect((await screen.findByRole('alert')).textContent).toContain('Name, password or code is wrong.')
  })

  it('keeps the token for everything that changes something, and sends no code that was not asked for', async () => {
    const asked = server({ 'POST /api/session': { body: session() } })
    show(<SignIn />)
    tryToSignIn()
    await vi.waitFor(() => expect(token()).toBe('token'))
    expect(asked[0]?.body).toEqual({ name: 'reader-a', password: 'wrong or right' })
  })
})
