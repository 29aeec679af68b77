import { Button, Group, NativeSelect, Text } from '@mantine/core'

import { useVocabulary } from '../../api/session'
import { type Zone, ZONES } from '../../api/shapes'
import { ZoneGrid } from '../../parts/ZoneGrid'
import { useWords } from '../../words/language'
import type { Form } from './form'

/** Six grades on the 12-point scale, laid out as the film is. */
export function ZoneFields({ zones, onZones }: { zones: Form['zones']; onZones: (zones: Form['zones']) => void }) {
  const { t, say } = useWords()
  const vocabulary = useVocabulary().data
  const data = [{ value: '', label: t('read.unset') }, ...(vocabulary?.profusions ?? []).map((value) => ({ value, label: value }))]
  const open = ZONES.filter((zone) => !zones[zone])
  const fill = () => onZones({ ...Object.fromEntries(open.map((zone) => [zone, '0/0'])), ...given(zones) })
  const words = (zone: Zone) => {
    const named = vocabulary?.zones.find((one) => one.name === zone)
    return named ? say(named) : zone
  }
  return (
    <fieldset className="read-group">
      <Group justify="space-between" component="legend">
        <Text fw={600} size="sm">{t('read.zones')}</Text>
      </Group>
      <ZoneGrid
        profusion={(zone) => zones[zone]}
        cell={(zone) => (
          <NativeSelect
            size="sm" label={words(zone)} value={zones[zone] ?? ''} data={data} name={`zone-${zone}`}
            onChange={(event) => onZones({ ...zones, [zone]: event.currentTarget.value })}
          />
        )}
      />
      <Group justify="space-between" gap="xs" mt={4} wrap="nowrap">
        <Text size="xs" c="dimmed">{t('read.zones-note')}</Text>
        <Button size="compact-xs" variant="default" disabled={!open.length} onClick={fill} flex="none">{t('read.fill-zero')}</Button>
      </Group>
    </fieldset>
  )
}

function given(zones: Form['zones']): Form['zones'] {
  return Object.fromEntries(Object.entries(zones).filter(([, value]) => value))
}
