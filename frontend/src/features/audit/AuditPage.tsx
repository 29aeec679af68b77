import { Alert, Anchor, Button, Group, Stack, Table, Text, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'react-router'

import { http } from '../../api/http'
import type { AuditEvent } from '../../api/shapes'
import { Busy } from '../../parts/Busy'
import { Fault } from '../../parts/Fault'
import { Page } from '../../parts/Page'
import { moment } from '../../words/format'
import { useWords } from '../../words/language'

interface Verified {
  intact: boolean
  events: number
  problem: string | null
}

export default function AuditPage() {
  const { t } = useWords()
  const [action, setAction] = useState('')
  const [before, setBefore] = useState<number | null>(null)
  const [wanted] = useDebouncedValue(action.trim(), 300)
  const query = new URLSearchParams({ size: '100', ...(wanted ? { action: wanted } : {}), ...(before ? { before: String(before) } : {}) }).toString()
  const events = useQuery({
    queryKey: ['audit', query],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => http.get<{ events: AuditEvent[]; more: boolean }>(`/api/audit?${query}`, signal),
  })
  const verify = useMutation({ mutationFn: () => http.get<Verified>('/api/audit/verify') })
  const last = events.data?.events.at(-1)?.seq
  return (
    <Page title={t('audit.title')} lead={t('audit.lead')} aside={<Tools onVerify={() => verify.mutate()} verifying={verify.isPending} />}>
      <Stack gap="sm">
        {verify.data && (
          <Alert color={verify.data.intact ? 'teal' : 'red'} p="xs" role="status">
            {verify.data.intact ? t('audit.intact', { events: verify.data.events }) : t('audit.broken', { problem: verify.data.problem ?? '' })}
          </Alert>
        )}
        {verify.error && <Fault error={verify.error} />}
        <TextInput
          size="xs" w={260} label={t('audit.filter-action')} value={action} maxLength={40} placeholder="reading.signed"
          onChange={(event) => { setAction(event.currentTarget.value); setBefore(null) }}
        />
        {events.error && <Fault error={events.error} onRetry={() => void events.refetch()} />}
        {events.isPending && <Busy />}
        {events.data && <Events events={events.data.events} />}
        <Group>
          <Button size="xs" variant="default" disabled={before === null} onClick={() => setBefore(null)}>{t('audit.newest')}</Button>
          <Button size="xs" variant="default" disabled={!events.data?.more || !last} onClick={() => setBefore(last ?? null)}>{t('audit.older')}</Button>
        </Group>
      </Stack>
    </Page>
  )
}

function Tools({ onVerify, verifying }: { onVerify: () => void; verifying: boolean }) {
  const { t } = useWords()
  return (
    <Group gap="xs">
      <Button size="sm" variant="default" loading={verifying} onClick={onVerify} data-testid="verify">{t('audit.verify')}</Button>
      <Button size="sm" variant="default" component="a" href="/api/audit/export" download>{t('audit.export')}</Button>
    </Group>
  )
}

function Events({ events }: { events: AuditEvent[] }) {
  const { t } = useWords()
  if (!events.length) return <Text c="dimmed">{t('audit.none')}</Text>
  return (
    <Table.ScrollContainer minWidth={900}>
      <Table verticalSpacing={4} highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>#</Table.Th><Table.Th>{t('audit.at')}</Table.Th><Table.Th>{t('audit.account')}</Table.Th><Table.Th>{t('audit.action')}</Table.Th>
            <Table.Th>{t('audit.case')}</Table.Th><Table.Th>{t('audit.details')}</Table.Th><Table.Th>{t('audit.hash')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {events.map((event) => (
            <Table.Tr key={event.seq}>
              <Table.Td className="number">{event.seq}</Table.Td>
              <Table.Td className="number short">{moment(event.at)}</Table.Td>
              <Table.Td>{event.name ?? '–'}</Table.Td>
              <Table.Td className="mono short">{event.action}</Table.Td>
              <Table.Td className="mono short">{event.case ? <Anchor component={Link} to={`/films/${event.case}`} fz="xs">{event.case.slice(0, 8)}</Anchor> : '–'}</Table.Td>
              <Table.Td className="mono">{said(event.details)}</Table.Td>
              <Table.Td className="mono short" title={event.hash}>{event.hash.slice(0, 12)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

function said(details: AuditEvent['details']): string {
  return Object.entries(details ?? {}).map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`).join(', ')
}
