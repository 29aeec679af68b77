import { Button, PasswordInput, Stack } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { http } from '../../api/http'
import { useEnter } from '../../api/session'
import type { Session } from '../../api/shapes'
import { Fault } from '../../parts/Fault'
import { useWords } from '../../words/language'

const SHORTEST = 12

/** Changes one's own password. `given`: the present one was handed out by an administrator. */
export function PasswordForm({ given = false, onDone }: { given?: boolean; onDone?: () => void }) {
  const { t } = useWords()
  const enter = useEnter()
  const [current, setCurrent] = useState('')
  const [chosen, setChosen] = useState('')
  const [again, setAgain] = useState('')
  const change = useMutation({
    mutationFn: () => http.put<Session>('/api/password', { current, new: chosen }),
    onSuccess: (session) => {
      enter(session)
      setCurrent('')
      setChosen('')
      setAgain('')
      onDone?.()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    change.mutate()
  }
  const short = chosen !== '' && chosen.length < SHORTEST
  const differ = again !== '' && again !== chosen
  return (
    <form onSubmit={submit}>
      <Stack maw={380}>
        <PasswordInput
          visibilityToggleButtonProps={{ 'aria-label': t('password.toggle') }}
          label={t(given ? 'password.given' : 'password.current')} value={current} autoComplete="current-password"
          onChange={(event) => setCurrent(event.currentTarget.value)}
        />
        <PasswordInput
          visibilityToggleButtonProps={{ 'aria-label': t('password.toggle') }}
          label={t('password.new')} value={chosen} autoComplete="new-password" error={short && t('password.short')}
          onChange={(event) => setChosen(event.currentTarget.value)}
        />
        <PasswordInput
          visibilityToggleButtonProps={{ 'aria-label': t('password.toggle') }}
          label={t('password.again')} value={again} autoComplete="new-password" error={differ && t('password.differ')}
          onChange={(event) => setAgain(event.currentTarget.value)}
        />
        {change.error && <Fault error={change.error} />}
        <Button type="submit" loading={change.isPending} disabled={!current || chosen.length < SHORTEST || again !== chosen}>
          {t('password.do')}
        </Button>
      </Stack>
    </form>
  )
}
