import { Button, Code, Group, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { renderSVG } from 'uqr'

import { http } from '../../api/http'
import { useMe } from '../../api/session'
import { Fault } from '../../parts/Fault'
import { useWords } from '../../words/language'

/** Sets one-time codes up, with a first code as proof, or switches them off with one. */
export function OneTimeCodes() {
  const { t } = useWords()
  const on = useMe().account.totp
  const client = useQueryClient()
  const [code, setCode] = useState('')
  const done = () => {
    setCode('')
    begin.reset()
    return client.invalidateQueries({ queryKey: ['session'] })
  }
  const begin = useMutation({ mutationFn: () => http.post<{ secret: string; uri: string }>('/api/totp') })
  const confirm = useMutation({ mutationFn: () => http.put<undefined>('/api/totp', { code }), onSuccess: done })
  const end = useMutation({ mutationFn: () => http.post<undefined>('/api/totp/off', { code }), onSuccess: done })
  const error = begin.error ?? confirm.error ?? end.error
  const field = (
    <TextInput
      label={t('sign-in.code')} value={code} inputMode="numeric" maxLength={8} autoComplete="one-time-code" w={160}
      onChange={(event) => setCode(event.currentTarget.value)}
    />
  )
  return (
    <Stack>
      <Text size="sm">{t(on ? 'mine.totp-on' : 'mine.totp-off')}</Text>
      {on && (
        <Group align="end">
          {field}
          <Button color="red" variant="light" disabled={!code} loading={end.isPending} onClick={() => end.mutate()}>{t('mine.totp-end')}</Button>
        </Group>
      )}
      {!on && !begin.data && (
        <Button variant="default" w="fit-content" loading={begin.isPending} onClick={() => begin.mutate()}>{t('mine.totp-begin')}</Button>
      )}
      {!on && begin.data && (
        <>
          <Text size="sm">{t('mine.totp-scan')}</Text>
          <img
            width={180} height={180} alt={t('mine.totp-qr')} style={{ background: '#fff', padding: 8 }}
            src={`data:image/svg+xml,${encodeURIComponent(renderSVG(begin.data.uri))}`}
          />
          <Text size="sm">{t('mine.totp-key')}: <Code>{begin.data.secret}</Code></Text>
          <Group align="end">
            {field}
            <Button disabled={!code} loading={confirm.isPending} onClick={() => confirm.mutate()}>{t('mine.totp-confirm')}</Button>
          </Group>
        </>
      )}
      {error && <Fault error={error} />}
    </Stack>
  )
}
