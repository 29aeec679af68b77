import { Accordion, Button, List, MultiSelect, Stack, Text, Title } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import { http } from '../../api/http'
import { useMe } from '../../api/session'
import type { Account, Consensus, FilmCase } from '../../api/shapes'
import { Busy } from '../../parts/Busy'
import { Fault } from '../../parts/Fault'
import { StageBadge } from '../../parts/StageBadge'
import { useWords } from '../../words/language'
import { SignedReading } from '../reading/SignedReading'
import { useReadings } from '../reading/useReadings'

/** Who reads this film, what they have signed, and whether they agree. */
export function ReadersPanel({ film }: { film: FilmCase }) {
  const { t } = useWords()
  const me = useMe().account
  const readings = useReadings(film.id)
  if (readings.error) return <Fault error={readings.error} onRetry={() => void readings.refetch()} />
  if (!readings.data) return <Busy />
  const { mine, others, consensus } = readings.data
  const hidden = me.role === 'reader' && !mine.length
  return (
    <Stack>
      <section>
        <Title order={2} size="h5">{t('case.readers')}</Title>
        {film.readers.length ? (
          <List size="sm">
            {film.readers.map((reader) => (
              <List.Item key={reader.id}>
                {reader.display}: {t(reader.signed === null ? 'case.reader-hidden' : reader.signed ? 'case.reader-signed' : 'case.reader-open')}
              </List.Item>
            ))}
          </List>
        ) : <Text size="sm" c="dimmed">{t('case.reader-none')}</Text>}
        {me.role === 'administrator' && <Assign film={film} />}
      </section>
      <section>
        <Title order={2} size="h5">{t('case.others')}</Title>
        {hidden && <Text size="sm" c="dimmed">{t('case.others-hidden')}</Text>}
        {!hidden && !others.length && <Text size="sm" c="dimmed">{t('case.others-none')}</Text>}
        <Accordion variant="contained">
          {others.map((reading) => (
            <Accordion.Item key={reading.id} value={String(reading.id)}>
              <Accordion.Control>{reading.reader.display} <StageBadge stage={reading.stage} /></Accordion.Control>
              <Accordion.Panel><SignedReading reading={reading} named /></Accordion.Panel>
            </Accordion.Item>
          ))}
        </Accordion>
      </section>
      {consensus && <Agreed consensus={consensus} />}
    </Stack>
  )
}

function Agreed({ consensus }: { consensus: Consensus }) {
  const { t, say } = useWords()
  return (
    <section>
      <Title order={2} size="h5">{t('case.consensus')}</Title>
      <Text size="sm">
        {t(`consensus.${consensus.state}`)}
        {consensus.profusion && ` ${t('consensus.profusion')}: ${consensus.profusion}`}
      </Text>
      <Text size="xs" c="dimmed">{say({ en: consensus.rule, zh: consensus.rule_zh })}</Text>
    </section>
  )
}

function Assign({ film }: { film: FilmCase }) {
  const { t } = useWords()
  const client = useQueryClient()
  const [chosen, setChosen] = useState(film.readers.map((reader) => String(reader.id)))
  const accounts = useQuery({
    queryKey: ['accounts'],
    queryFn: ({ signal }) => http.get<{ accounts: Account[] }>('/api/accounts', signal),
  })
  const assign = useMutation({
    mutationFn: () => http.put<FilmCase>(`/api/cases/${encodeURIComponent(film.id)}/readers`, { readers: chosen.map(Number) }),
    onSuccess: (changed) => client.setQueryData(['case', film.id], changed),
  })
  const readers = (accounts.data?.accounts ?? []).filter((account) => account.role === 'reader' && !account.disabled)
  return (
    <Stack gap="xs" mt="xs">
      <MultiSelect
        size="xs" label={t('case.assign')} value={chosen} searchable onChange={setChosen}
        data={readers.map((account) => ({ value: String(account.id), label: account.display || account.name }))}
      />
      {assign.error && <Fault error={assign.error} />}
      <Button size="xs" w="fit-content" variant="default" loading={assign.isPending} onClick={() => assign.mutate()}>{t('do.save')}</Button>
    </Stack>
  )
}
