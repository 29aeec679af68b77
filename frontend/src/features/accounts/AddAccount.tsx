import { Button, NativeSelect, Stack, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { http } from '../../api/http'
import type { Account, Role } from '../../api/shapes'
import { Fault } from '../../parts/Fault'
import { useWords } from '../../words/language'
import type { Given } from './GivenPassword'

export function AddAccount({ onAdded }: { onAdded: (given: Given) => void }) {
  const { t } = useWords()
  const [name, setName] = useState('')
  const [display, setDisplay] = useState('')
  const [role, setRole] = useState<Role>('reader')
  const add = useMutation({
    mutationFn: () => http.post<{ account: Account; password: string }>('/api/accounts', { name: name.trim(), display: display.trim(), role }),
    onSuccess: ({ account, password }) => onAdded({ name: account.name, password }),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    add.mutate()
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput label={t('accounts.name')} value={name} maxLength={80} autoComplete="off" data-autofocus onChange={(event) => setName(event.currentTarget.value)} />
        <TextInput label={t('accounts.display')} value={display} maxLength={160} autoComplete="off" onChange={(event) => setDisplay(event.currentTarget.value)} />
        <NativeSelect
          label={t('accounts.role')} value={role} onChange={(event) => setRole(event.currentTarget.value as Role)}
          data={[{ value: 'reader', label: t('role.reader') }, { value: 'administrator', label: t('role.administrator') }]}
        />
        {add.error && <Fault error={add.error} />}
        <Button type="submit" disabled={!name.trim()} loading={add.isPending}>{t('accounts.add')}</Button>
      </Stack>
    </form>
  )
}
