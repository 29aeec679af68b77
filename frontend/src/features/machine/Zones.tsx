import { Alert, Group, Text, Title } from '@mantine/core'
import { useId } from 'react'

import { useVocabulary } from '../../api/session'
import type { Machine, Reading, Zone, ZoneAnswer } from '../../api/shapes'
import { ZoneGrid } from '../../parts/ZoneGrid'
import { likelihood } from '../../words/format'
import { useWords } from '../../words/language'
import { HeatButton, type HeatChoice } from './HeatButton'

/** Six zones with the machine's grade, its probability, the whole distribution, and the reader's own grade beside it. */
export function Zones({ machine, mine, ...choice }: HeatChoice & { machine: Machine; mine: Reading | undefined }) {
  const { t, say } = useWords()
  const vocabulary = useVocabulary().data
  const why = useId()
  const zones = machine.assessment.zones
  if (!zones) return null
  const name = (zone: Zone) => {
    const words = vocabulary?.zones.find((one) => one.name === zone)
    return words ? say(words) : zone
  }
  return (
    <section>
      <Title order={2} size="h5" mb={4}>{t('machine.zones')}</Title>
      {Object.values(zones).some((zone) => zone.doubtful) && (
        <Alert color="yellow" p="xs" mb={6} data-testid="zones-doubtful"><span id={why}>{t('machine.zones-doubtful')}</span></Alert>
      )}
      <ZoneGrid
        profusion={(zone) => (zones[zone].doubtful ? undefined : zones[zone].profusion)}
        cell={(zone) => (
          <div data-doubtful={zones[zone].doubtful}>
            <Group gap={4} wrap="nowrap" justify="space-between">
              <Text size="xs" c="dimmed">{name(zone)}</Text>
              <HeatButton task={`zone_${zone}`} question={name(zone)} {...choice} />
            </Group>
            <Group gap={8}>
              <Grade answer={zones[zone]} name={name(zone)} why={why} />
              {mine && <Text size="xs" className="zone-mine number">{t('machine.mine', { grade: mine.findings.zones[zone] })}</Text>}
            </Group>
            <Spread probabilities={machine.assessment.tasks[`zone_${zone}`]?.probabilities ?? {}} order={vocabulary?.profusions ?? []} />
          </div>
        )}
      />
      <Text size="xs" c="dimmed" mt={4}>{t('machine.zones-note')}</Text>
    </section>
  )
}

/** Grade and probability of one zone; a doubtful one is grey and refers to the words (`why`) that say so. */
function Grade({ answer, name, why }: { answer: ZoneAnswer; name: string; why: string }) {
  const { t } = useWords()
  const doubt = answer.doubtful && { role: 'group', title: t('machine.zones-doubtful'), 'aria-label': name, 'aria-describedby': why }
  return (
    <Group gap={8} className="zone-answer" {...doubt}>
      <Text className="zone-grade number">{answer.profusion}</Text>
      <Text size="xs" className="number">{likelihood(answer.confidence)}</Text>
    </Group>
  )
}

/** The twelve probabilities as small columns. */
function Spread({ probabilities, order }: { probabilities: Record<string, number>; order: string[] }) {
  return (
    <span className="zone-spread" aria-hidden="true">
      {order.map((grade) => (
        <span key={grade} title={`${grade}: ${likelihood(probabilities[grade] ?? 0)}`} style={{ height: `${Math.max(4, 100 * (probabilities[grade] ?? 0))}%` }} />
      ))}
    </span>
  )
}
