import { Badge, Button, Paper, SimpleGrid, Stack, Table, Title } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'

import { http } from '../../api/http'
import type { OpenSession } from '../../api/shapes'
import { Fault } from '../../parts/Fault'
import { Page } from '../../parts/Page'
import { moment } from '../../words/format'
import { useWords } from '../../words/language'
import { OneTimeCodes } from './OneTimeCodes'
import { PasswordForm } from './PasswordForm'

export default function MyAccount() {
  const { t } = useWords()
  return (
    <Page title={t('mine.title')}>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Paper withBorder p="lg">
          <Stack>
            <Title order={2} size="h4">{t('mine.password')}</Title>
            <PasswordForm onDone={() => notifications.show({ message: t('password.done') })} />
          </Stack>
        </Paper>
        <Paper withBorder p="lg">
          <Stack>
            <Title order={2} size="h4">{t('mine.totp')}</Title>
            <OneTimeCodes />
          </Stack>
        </Paper>
      </SimpleGrid>
      <Sessions />
    </Page>
  )
}

function Sessions() {
  const { t } = useWords()
  const client = useQueryClient()
  const open = useQuery({
    queryKey: ['sessions'],
    queryFn: ({ signal }) => http.get<{ sessions: OpenSession[] }>('/api/sessions', signal),
  })
  const end = useMutation({
    mutationFn: (id: number) => http.delete(`/api/sessions/${id}`),
    onSuccess: () => client.invalidateQueries({ queryKey: ['sessions'] }),
  })
  const error = open.error ?? end.error
  return (
    <Paper withBorder p="lg" mt="md">
      <Title order={2} size="h4" mb="sm">{t('mine.sessions')}</Title>
      {error && <Fault error={error} />}
      <Table.ScrollContainer minWidth={560}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('mine.address')}</Table.Th>
              <Table.Th>{t('mine.since')}</Table.Th>
              <Table.Th>{t('mine.last-seen')}</Table.Th>
              <Table.Th>{t('mine.expires')}</Table.Th>
              <Table.Td />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {open.data?.sessions.map((one) => (
              <Table.Tr key={one.id}>
                <Table.Td className="mono">{one.address}</Table.Td>
                <Table.Td>{moment(one.created)}</Table.Td>
                <Table.Td>{moment(one.last_seen)}</Table.Td>
                <Table.Td>{moment(one.expires)}</Table.Td>
                <Table.Td>
                  {one.current ? (
                    <Badge variant="light" tt="none">{t('mine.session-this')}</Badge>
                  ) : (
                    <Button size="compact-sm" variant="default" onClick={() => end.mutate(one.id)}>{t('mine.session-end')}</Button>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  )
}
