import { Button, Checkbox, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { http } from '../../api/http'
import { useEnter } from '../../api/session'
import type { Session } from '../../api/shapes'
import { Fault } from '../../parts/Fault'
import { useWords } from '../../words/language'

/** Name, password and, for those who use them, a one-time code. */
export function SignIn() {
  const { t } = useWords()
  const enter = useEnter()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [withCode, setWithCode] = useState(false)
  const [code, setCode] = useState('')
  const signIn = useMutation({
    mutationFn: () => http.post<Session>('/api/session', { name, password, ...(withCode ? { code } : {}) }),
    onSuccess: enter,
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    signIn.mutate()
  }
  return (
    <div className="sign-in">
      <title>{`${t('sign-in.title')} · konio`}</title>
      <Paper withBorder p="xl" w={400} maw="94vw" shadow="md">
        <form onSubmit={submit}>
          <Stack>
            <div>
              <Title order={1} size="h3">{t('sign-in.title')}</Title>
              <Text c="dimmed" size="sm">{t('sign-in.lead')}</Text>
            </div>
            <TextInput
              label={t('sign-in.name')} value={name} required autoComplete="username" data-autofocus
              onChange={(event) => setName(event.currentTarget.value)} withAsterisk={false}
            />
            <PasswordInput
              visibilityToggleButtonProps={{ 'aria-label': t('password.toggle') }}
              label={t('sign-in.password')} value={password} required autoComplete="current-password" withAsterisk={false}
              onChange={(event) => setPassword(event.currentTarget.value)}
            />
            <Checkbox label={t('sign-in.has-code')} checked={withCode} onChange={(event) => setWithCode(event.currentTarget.checked)} />
            {withCode && (
              <TextInput
                label={t('sign-in.code')} description={t('sign-in.code-hint')} value={code} inputMode="numeric" maxLength={8}
                autoComplete="one-time-code" onChange={(event) => setCode(event.currentTarget.value)}
              />
            )}
            {signIn.error && <Fault error={signIn.error} />}
            <Button type="submit" loading={signIn.isPending} disabled={!name || !password}>{t('sign-in.do')}</Button>
            <Text c="dimmed" size="xs">{t('sign-in.help')}</Text>
          </Stack>
        </form>
      </Paper>
    </div>
  )
}
