import { Group, Text, Title } from '@mantine/core'

import { useVocabulary } from '../../api/session'
import type { Machine, Reading, Zone } from '../../api/shapes'
import { ZoneGrid } from '../../parts/ZoneGrid'
import { percent } from '../../words/format'
import { useWords } from '../../words/language'
import { HeatButton, type HeatChoice } from './HeatButton'

/** Six zones with the machine's grade, its probability, the whole distribution, and the reader's own grade beside it. */
export function Zones({ machine, mine, ...choice }: HeatChoice & { machine: Machine; mine: Reading | undefined }) {
  const { t, say } = useWords()
  const vocabulary = useVocabulary().data
  const zones = machine.assessment.zones
  if (!zones) return null
  const name = (zone: Zone) => {
    const words = vocabulary?.zones.find((one) => one.name === zone)
    return words ? say(words) : zone
  }
  return (
    <section>
      <Title order={2} size="h5" mb={4}>{t('machine.zones')}</Title>
      <ZoneGrid
        profusion={(zone) => zones[zone].profusion}
        cell={(zone) => (
          <>
            <Group gap={4} wrap="nowrap" justify="space-between">
              <Text size="xs" c="dimmed">{name(zone)}</Text>
              <HeatButton task={`zone_${zone}`} question={name(zone)} {...choice} />
            </Group>
            <Group gap={8}>
              <Text fw={650} className="number">{zones[zone].profusion}</Text>
              <Text size="xs" className="number">{percent(zones[zone].confidence)}</Text>
              {mine && <Text size="xs" c="dimmed" className="number">{t('machine.mine', { grade: mine.findings.zones[zone] })}</Text>}
            </Group>
            <Spread probabilities={machine.assessment.tasks[`zone_${zone}`]?.probabilities ?? {}} order={vocabulary?.profusions ?? []} />
          </>
        )}
      />
      <Text size="xs" c="dimmed" mt={4}>{t('machine.zones-note')}</Text>
    </section>
  )
}

/** The twelve probabilities as small columns. */
function Spread({ probabilities, order }: { probabilities: Record<string, number>; order: string[] }) {
  return (
    <span className="zone-spread" aria-hidden="true">
      {order.map((grade) => (
        <span key={grade} title={`${grade}: ${percent(probabilities[grade] ?? 0)}`} style={{ height: `${Math.max(4, 100 * (probabilities[grade] ?? 0))}%` }} />
      ))}
    </span>
  )
}
