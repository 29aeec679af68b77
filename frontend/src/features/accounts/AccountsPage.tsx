import { ActionIcon, Badge, Button, Menu, Modal, Table, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconDots } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import { http } from '../../api/http'
import { useMe } from '../../api/session'
import type { Account } from '../../api/shapes'
import { Busy } from '../../parts/Busy'
import { Fault } from '../../parts/Fault'
import { Page } from '../../parts/Page'
import { moment } from '../../words/format'
import { useWords } from '../../words/language'
import { AddAccount } from './AddAccount'
import { type Given, GivenPassword } from './GivenPassword'

export default function AccountsPage() {
  const { t } = useWords()
  const client = useQueryClient()
  const [adding, add] = useDisclosure(false)
  const [given, setGiven] = useState<Given | null>(null)
  const accounts = useQuery({
    queryKey: ['accounts'],
    queryFn: ({ signal }) => http.get<{ accounts: Account[] }>('/api/accounts', signal),
  })
  const renew = () => client.invalidateQueries({ queryKey: ['accounts'] })
  const act = useMutation({ mutationFn: (send: () => Promise<unknown>) => send(), onSettled: renew })
  const added = (next: Given) => {
    add.close()
    setGiven(next)
    void renew()
  }
  return (
    <Page title={t('accounts.title')} aside={<Button onClick={add.open} data-testid="add-account">{t('accounts.add')}</Button>}>
      {accounts.error && <Fault error={accounts.error} onRetry={() => void accounts.refetch()} />}
      {act.error && <Fault error={act.error} />}
      {accounts.isPending && <Busy />}
      {accounts.data && (
        <Table.ScrollContainer minWidth={860}>
          <Table highlightOnHover>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('accounts.name')}</Table.Th><Table.Th>{t('accounts.display')}</Table.Th><Table.Th>{t('accounts.role')}</Table.Th>
                <Table.Th>{t('accounts.state')}</Table.Th><Table.Th>{t('accounts.totp')}</Table.Th><Table.Th>{t('accounts.last')}</Table.Th>
                <Table.Th>{t('accounts.created')}</Table.Th><Table.Td />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {accounts.data.accounts.map((account) => (
                <Line key={account.id} account={account} act={act.mutate} onGiven={setGiven} />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <Modal opened={adding} onClose={add.close} title={t('accounts.add')} closeButtonProps={{ 'aria-label': t('do.close') }}>
        <AddAccount onAdded={added} />
      </Modal>
      <GivenPassword given={given} onClose={() => setGiven(null)} />
    </Page>
  )
}

interface LineAsked {
  account: Account
  act: (send: () => Promise<unknown>) => void
  onGiven: (given: Given) => void
}

function Line({ account, act, onGiven }: LineAsked) {
  const { t } = useWords()
  const me = useMe().account.id === account.id
  return (
    <Table.Tr>
      <Table.Td>{account.name} {me && <Badge size="sm" variant="light" tt="none">{t('accounts.you')}</Badge>}</Table.Td>
      <Table.Td>{account.display}</Table.Td>
      <Table.Td>{t(`role.${account.role}`)}</Table.Td>
      <Table.Td>
        <Badge variant="light" color={account.disabled ? 'red' : 'teal'} tt="none">{t(account.disabled ? 'accounts.disabled' : 'accounts.active')}</Badge>
        {account.must_change_password && <Text size="xs" c="dimmed">{t('accounts.must-change')}</Text>}
      </Table.Td>
      <Table.Td>{t(account.totp ? 'word.yes' : 'word.no')}</Table.Td>
      <Table.Td className="number">{moment(account.last_sign_in)}</Table.Td>
      <Table.Td className="number">{moment(account.created)}</Table.Td>
      <Table.Td><Actions {...{ account, act, onGiven }} /></Table.Td>
    </Table.Tr>
  )
}

function Actions({ account, act, onGiven }: LineAsked) {
  const { t } = useWords()
  const [sure, ask] = useDisclosure(false)
  const at = `/api/accounts/${account.id}`
  const reset = async () => {
    const { password } = await http.post<{ password: string }>(`${at}/password`)
    onGiven({ name: account.name, password })
  }
  const change = (part: Partial<Account>) => () => act(() => http.patch(at, part))
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" aria-label={t('accounts.actions', { name: account.name })}><IconDots size={18} /></ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => act(reset)}>{t('accounts.reset')}</Menu.Item>
          {account.totp && <Menu.Item onClick={() => act(() => http.delete(`${at}/totp`))}>{t('accounts.totp-off')}</Menu.Item>}
          <Menu.Item onClick={change({ role: account.role === 'reader' ? 'administrator' : 'reader' })}>
            {t(account.role === 'reader' ? 'accounts.to-admin' : 'accounts.to-reader')}
          </Menu.Item>
          <Menu.Item onClick={change({ disabled: !account.disabled })}>{t(account.disabled ? 'accounts.enable' : 'accounts.disable')}</Menu.Item>
          <Menu.Divider />
          <Menu.Item c="var(--room-danger)" onClick={ask.open}>{t('do.delete')}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Modal opened={sure} onClose={ask.close} title={t('do.delete')} closeButtonProps={{ 'aria-label': t('do.close') }}>
        <Text mb="md">{t('accounts.delete-sure', { name: account.name })}</Text>
        <Button color="red.9" onClick={() => { ask.close(); act(() => http.delete(at)) }}>{t('do.delete')}</Button>
      </Modal>
    </>
  )
}
