import { Group, Text } from '@mantine/core'

import type { TaskAnswer, TaskWords } from '../../api/shapes'
import { likelihood, percent } from '../../words/format'
import { useWords } from '../../words/language'
import { HeatButton, type HeatChoice } from './HeatButton'

interface Asked extends HeatChoice {
  task: TaskWords
  answer: TaskAnswer
  /** Share of the heat map inside the lungs, if there is one. */
  inLungs: number | null
}

/** One question with the probability of each class. */
export function Answer({ task, answer, inLungs, ...choice }: Asked) {
  const { t, say } = useWords()
  return (
    <div className="machine-answer">
      <Group gap={6}>
        <Text size="sm" fw={600}>{say(task)}</Text>
        <HeatButton task={task.name} question={say(task)} {...choice} />
      </Group>
      {task.classes.map((one) => {
        const probability = answer.probabilities[one.name] ?? 0
        return (
          <div key={one.name} className="machine-bar" data-chosen={one.name === answer.prediction}>
            <span>{say(one)}</span>
            <span className="machine-track"><span style={{ width: `${100 * probability}%` }} /></span>
            <span className="number">{likelihood(probability)}</span>
          </div>
        )
      })}
      {inLungs !== null && <Text size="xs" c="dimmed">{t('machine.in-lungs', { share: percent(inLungs) })}</Text>}
    </div>
  )
}
