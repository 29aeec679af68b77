import { ActionIcon, Tooltip } from '@mantine/core'
import { IconFlame } from '@tabler/icons-react'

import { useWords } from '../../words/language'

export interface HeatChoice {
  heats: Set<string>
  heat: string | null
  onHeat: (task: string | null) => void
}

/** Lays the heat map of one question over the film, or takes it away. */
export function HeatButton({ task, question, heats, heat, onHeat }: HeatChoice & { task: string; question: string }) {
  const { t } = useWords()
  if (!heats.has(task)) return null
  const on = heat === task
  const words = t('machine.show-heat', { question })
  return (
    <Tooltip label={words}>
      <ActionIcon size="sm" variant={on ? 'filled' : 'subtle'} aria-pressed={on} aria-label={words} onClick={() => onHeat(on ? null : task)}>
        <IconFlame size={15} />
      </ActionIcon>
    </Tooltip>
  )
}
