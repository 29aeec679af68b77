import { Button, Checkbox, NativeSelect, Popover, Slider, Stack, Text } from '@mantine/core'
import { IconStack2 } from '@tabler/icons-react'

import { useVocabulary } from '../../api/session'
import { useWords } from '../../words/language'
import type { Layers, Overlays } from '../viewer/layers'

interface Asked {
  layers: Layers
  onLayers: (layers: Layers) => void
  overlays: Overlays
}

/** What lies over the film, and how strongly. */
export function LayersMenu({ layers, onLayers, overlays }: Asked) {
  const { t, say } = useWords()
  const tasks = useVocabulary().data?.tasks ?? []
  const change = (part: Partial<Layers>) => onLayers({ ...layers, ...part })
  const switches = [
    ['zones', 'O', overlays.outlines !== null],
    ['lungs', 'L', overlays.outlines !== null],
    ['regions', 'B', overlays.regions.length > 0],
  ] as const
  const words = (name: string) => {
    const task = tasks.find((one) => one.name === name)
    return task ? say(task) : name
  }
  return (
    <Popover position="bottom-start" withArrow trapFocus>
      <Popover.Target>
        <Button size="compact-sm" variant="subtle" leftSection={<IconStack2 size={18} />} data-testid="layers">{t('layer.title')}</Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="sm" w={270}>
          {switches.map(([name, key, there]) => (
            <Checkbox
              key={name} label={`${t(`layer.${name}`)} (${key})`} checked={layers[name]} disabled={!there}
              onChange={(event) => change({ [name]: event.currentTarget.checked })}
            />
          ))}
          <NativeSelect
            size="xs" label={t('layer.heat')} value={layers.heat ?? ''} disabled={!overlays.heats.length}
            data={[{ value: '', label: t('layer.heat-off') }, ...overlays.heats.map((heat) => ({ value: heat.task, label: words(heat.task) }))]}
            onChange={(event) => change({ heat: event.currentTarget.value || null })}
          />
          <div>
            <Text size="xs" id="layer-opacity">{t('layer.opacity')}</Text>
            <Slider
              value={Math.round(100 * layers.opacity)} min={0} max={100} step={5} label={(value) => `${value} %`}
              thumbProps={{ 'aria-labelledby': 'layer-opacity' }} onChange={(value) => change({ opacity: value / 100 })}
            />
          </div>
          <Text size="xs" c="dimmed">{t('layer.caution')}</Text>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  )
}
