import { Accordion, Button, Stack, Text, Title } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useState } from 'react'

import { useMe } from '../../api/session'
import type { Reading } from '../../api/shapes'
import { Busy } from '../../parts/Busy'
import { Fault } from '../../parts/Fault'
import { moment } from '../../words/format'
import { useWords } from '../../words/language'
import { emptyForm, formOf, formOfDraft } from './form'
import { ReadingForm } from './ReadingForm'
import { SignedReading } from './SignedReading'
import { useDraft, useReadings } from './useReadings'

interface Asked {
  id: string
  blind: boolean
  measured: number[]
  onSigned: () => void
}

/** One's own reading: the form until it is signed, then the signed reading and its versions. */
export function ReadingPanel({ id, blind, measured, onSigned }: Asked) {
  const { t } = useWords()
  const administrator = useMe().account.role === 'administrator'
  const readings = useReadings(id)
  const draft = useDraft(id, !administrator)
  const [amending, setAmending] = useState(false)
  if (administrator) return <Text c="dimmed" size="sm">{t('read.admin')}</Text>
  if (readings.error) return <Fault error={readings.error} onRetry={() => void readings.refetch()} />
  if (!readings.data || draft.isPending) return <Busy />
  const latest = readings.data.mine[0]
  const signed = (reading: Reading) => {
    setAmending(false)
    notifications.show({ message: t('read.signed-done', { n: reading.version }) })
    onSigned()
  }
  if (!latest)
    return (
      <ReadingForm
        id={id} begin={formOfDraft(draft.data?.draft) ?? emptyForm()} amends={null} blind={blind} measured={measured} onSigned={signed}
      />
    )
  if (amending)
    return (
      <Stack gap="xs">
        <Title order={2} size="h5">{t('read.amend-title', { n: latest.version })}</Title>
        <ReadingForm
          id={id} begin={formOf(latest.findings)} amends={latest.version} blind={false} measured={measured} onSigned={signed}
          onCancel={() => setAmending(false)}
        />
      </Stack>
    )
  return (
    <Stack>
      <SignedReading reading={latest} />
      <Button variant="default" w="fit-content" onClick={() => setAmending(true)}>{t('read.amend')}</Button>
      {readings.data.mine.length > 1 && <Versions readings={readings.data.mine.slice(1)} />}
    </Stack>
  )
}

function Versions({ readings }: { readings: Reading[] }) {
  const { t } = useWords()
  return (
    <>
      <Title order={2} size="h5">{t('read.versions')}</Title>
      <Accordion variant="contained">
        {readings.map((reading) => (
          <Accordion.Item key={reading.id} value={String(reading.id)}>
            <Accordion.Control>{`${t('read.version', { n: reading.version })} · ${moment(reading.signed)}`}</Accordion.Control>
            <Accordion.Panel><SignedReading reading={reading} /></Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
    </>
  )
}
