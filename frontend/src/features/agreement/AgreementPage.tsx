import { Group, Paper, Stack, Table, Text, TextInput, Title } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { http } from '../../api/http'
import type { Agreement, Pair } from '../../api/shapes'
import { Busy } from '../../parts/Busy'
import { Fault } from '../../parts/Fault'
import { Page } from '../../parts/Page'
import { percent, withInterval } from '../../words/format'
import { useWords } from '../../words/language'
import { Confusion } from './Confusion'
import { Drift } from './Drift'

import './agreement.css'

export default function AgreementPage() {
  const { t } = useWords()
  const [from, setFrom] = useState('')
  const [to, setTo] = useState('')
  const query = new URLSearchParams(Object.entries({ from, to }).filter(([, value]) => value)).toString()
  const agreement = useQuery({
    queryKey: ['agreement', query],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => http.get<Agreement>(`/api/agreement?${query}`, signal),
  })
  const dates = (
    <Group gap="xs">
      <TextInput size="xs" type="date" label={t('agree.from')} value={from} onChange={(event) => setFrom(event.currentTarget.value)} />
      <TextInput size="xs" type="date" label={t('agree.to')} value={to} onChange={(event) => setTo(event.currentTarget.value)} />
    </Group>
  )
  return (
    <Page title={t('agree.title')} lead={t('agree.lead')} aside={dates}>
      {agreement.error && <Fault error={agreement.error} onRetry={() => void agreement.refetch()} />}
      {agreement.isPending && !agreement.error && <Busy />}
      {agreement.data && <Found agreement={agreement.data} />}
    </Page>
  )
}

function Found({ agreement }: { agreement: Agreement }) {
  const { t } = useWords()
  const { adjudication } = agreement
  return (
    <Stack>
      <Group gap="xs">
        {(['agreed', 'settled', 'third', 'open'] as const).map((state) => (
          <Paper key={state} withBorder px="md" py="xs">
            <Text size="xl" fw={650} className="number">{adjudication[state]}</Text>
            <Text size="xs" c="dimmed">{t(`agree.${state}`)}</Text>
          </Paper>
        ))}
        <Text size="xs" c="dimmed" maw={220}>{t('agree.adjudication')}</Text>
      </Group>
      <Machine agreement={agreement} />
      <Readers agreement={agreement} />
      <Pairs agreement={agreement} />
      <Text size="xs" c="dimmed">{t('agree.undefined')}</Text>
    </Stack>
  )
}

const interval = (pair: Pair | null) => (pair ? withInterval(pair.kappa, pair.low, pair.high) : '–')
const exact = (pair: Pair | null) => (pair?.exact == null ? '–' : percent(pair.exact))

function Machine({ agreement: { machine } }: { agreement: Agreement }) {
  const { t } = useWords()
  return (
    <Paper withBorder p="md" component="section">
      <Title order={2} size="h5">{t('agree.machine')}</Title>
      {!machine?.stage ? <Text size="sm" c="dimmed">{t('agree.machine-none')}</Text> : (
        <div className="agree-split">
          <Table verticalSpacing={4}>
            <Table.Tbody>
              <Table.Tr><Table.Th>{t('agree.cases')}</Table.Th><Table.Td className="number">{machine.stage.cases}</Table.Td></Table.Tr>
              <Table.Tr><Table.Th>{t('agree.kappa-stage')}</Table.Th><Table.Td className="number">{interval(machine.stage)}</Table.Td></Table.Tr>
              <Table.Tr><Table.Th>{t('agree.kappa-profusion')}</Table.Th><Table.Td className="number">{interval(machine.profusion)}</Table.Td></Table.Tr>
              <Table.Tr><Table.Th>{t('agree.exact')}</Table.Th><Table.Td className="number">{exact(machine.stage)}</Table.Td></Table.Tr>
            </Table.Tbody>
          </Table>
          <Confusion pair={machine.stage} a={t('agree.consensus')} b={t('agree.the-machine')} />
        </div>
      )}
    </Paper>
  )
}

function Readers({ agreement: { readers } }: { agreement: Agreement }) {
  const { t } = useWords()
  if (!readers.length) return null
  return (
    <Paper withBorder p="md" component="section">
      <Title order={2} size="h5" mb="xs">{t('agree.readers')}</Title>
      <Table.ScrollContainer minWidth={640}>
        <Table verticalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('agree.reader')}</Table.Th><Table.Th>{t('agree.cases')}</Table.Th><Table.Th>{t('agree.kappa-stage')}</Table.Th>
              <Table.Th>{t('agree.exact')}</Table.Th><Table.Th>{t('agree.drift')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {readers.map((reader) => (
              <Table.Tr key={reader.id}>
                <Table.Td>{reader.display}</Table.Td>
                <Table.Td className="number">{reader.cases}</Table.Td>
                <Table.Td className="number">{interval(reader.stage)}</Table.Td>
                <Table.Td className="number">{exact(reader.stage)}</Table.Td>
                <Table.Td><Drift name={reader.display} drift={reader.drift} /></Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  )
}

function Pairs({ agreement: { pairs } }: { agreement: Agreement }) {
  const { t } = useWords()
  return (
    <Paper withBorder p="md" component="section">
      <Title order={2} size="h5" mb="xs">{t('agree.pairs')}</Title>
      {!pairs.length && <Text size="sm" c="dimmed">{t('agree.none')}</Text>}
      {pairs.map((pair) => (
        <div key={`${pair.a.id}-${pair.b.id}`} className="agree-split agree-pair">
          <Table verticalSpacing={4}>
            <Table.Tbody>
              <Table.Tr><Table.Th>{t('agree.pair')}</Table.Th><Table.Td>{`${pair.a.display} – ${pair.b.display}`}</Table.Td></Table.Tr>
              <Table.Tr><Table.Th>{t('agree.cases')}</Table.Th><Table.Td className="number">{pair.stage?.cases ?? 0}</Table.Td></Table.Tr>
              <Table.Tr><Table.Th>{t('agree.kappa-stage')}</Table.Th><Table.Td className="number">{interval(pair.stage)}</Table.Td></Table.Tr>
              <Table.Tr><Table.Th>{t('agree.kappa-profusion')}</Table.Th><Table.Td className="number">{interval(pair.profusion)}</Table.Td></Table.Tr>
              <Table.Tr><Table.Th>{t('agree.exact')}</Table.Th><Table.Td className="number">{exact(pair.stage)}</Table.Td></Table.Tr>
            </Table.Tbody>
          </Table>
          {pair.stage && <Confusion pair={pair.stage} a={pair.a.display} b={pair.b.display} />}
        </div>
      ))}
    </Paper>
  )
}
