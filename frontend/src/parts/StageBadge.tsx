import { Badge } from '@mantine/core'

import type { Stage } from '../api/shapes'
import { useWords } from '../words/language'

const COLOURS: Record<Stage, string> = { '0': 'gray', I: 'yellow', II: 'orange', III: 'red' }

/** A stage: said in words, coloured only besides. */
export function StageBadge({ stage }: { stage: Stage }) {
  const { t } = useWords()
  return (
    <Badge variant="light" color={COLOURS[stage]} radius="sm" tt="none">
      {t(`stage.${stage}`)}
    </Badge>
  )
}
