import { ActionIcon, Button, Group, Text, TextInput, Tooltip } from '@mantine/core'
import { IconPlus, IconRulerMeasure, IconTrash } from '@tabler/icons-react'

import { useWords } from '../../words/language'
import { type Form, largeOf } from './form'

interface Asked {
  large: Form['large']
  onLarge: (large: Form['large']) => void
  /** Lengths measured on the film in mm, the newest last. */
  measured: number[]
}

export function LargeFields({ large, onLarge, measured }: Asked) {
  const { t } = useWords()
  const change = (i: number, part: Partial<Form['large'][number]>) =>
    onLarge(large.map((one, j) => (j === i ? { ...one, ...part } : one)))
  const pair = measured.slice(-2).sort((a, b) => b - a).map((mm) => mm.toFixed(1))
  return (
    <fieldset className="read-group">
      <legend><Text fw={600} size="sm">{t('read.large')}</Text></legend>
      {large.map((one, i) => (
        <Group key={i} gap="xs" align="end" mb={4} wrap="nowrap">
          <TextInput size="xs" label={t('read.long')} value={one.long} inputMode="decimal" maxLength={8}
            error={one.long !== '' && one.short !== '' && !largeOf(one)} onChange={(event) => change(i, { long: event.currentTarget.value })} />
          <TextInput size="xs" label={t('read.short')} value={one.short} inputMode="decimal" maxLength={8}
            error={one.long !== '' && one.short !== '' && !largeOf(one)} onChange={(event) => change(i, { short: event.currentTarget.value })} />
          <ActionIcon variant="subtle" color="red" aria-label={t('read.large-remove', { n: i + 1 })} onClick={() => onLarge(large.filter((_, j) => j !== i))}>
            <IconTrash size={16} />
          </ActionIcon>
        </Group>
      ))}
      {large.some((one) => one.long !== '' && one.short !== '' && !largeOf(one)) && <Text size="xs" c="red.4">{t('read.large-bad')}</Text>}
      <Group gap="xs">
        <Button size="compact-xs" variant="default" leftSection={<IconPlus size={14} />} onClick={() => onLarge([...large, { long: '', short: '' }])}>
          {t('read.large-add')}
        </Button>
        <Tooltip label={t('read.large-ruler-hint')} multiline w={260}>
          <Button
            size="compact-xs" variant="default" leftSection={<IconRulerMeasure size={14} />} disabled={pair.length < 2}
            onClick={() => onLarge([...large, { long: pair[0] ?? '', short: pair[1] ?? '' }])}
          >
            {t('read.large-ruler')}{pair.length === 2 ? ` ${pair.join(' × ')}` : ''}
          </Button>
        </Tooltip>
      </Group>
    </fieldset>
  )
}
