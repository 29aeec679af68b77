import { Badge, Group, Progress, Text } from '@mantine/core'

import type { CaseStatus } from '../../api/shapes'
import { useWords } from '../../words/language'
import { useJob } from './store'

const COLOURS: Record<CaseStatus, string> = {
  queued: 'gray', running: 'blue', done: 'teal', failed: 'red', refused: 'orange', cancelled: 'gray',
}

/** The state of a film's assessment, live: the last news, or what the list said. */
export function StatusBadge({ id, status, progress }: { id: string; status: CaseStatus; progress: number }) {
  const { t } = useWords()
  const job = useJob(id)
  const open = job?.state === 'queued' || job?.state === 'running'
  const shown: CaseStatus = open ? job.state : status
  const part = Math.round(100 * (open ? job.progress : progress))
  if (shown !== 'running')
    return <Badge variant="light" color={COLOURS[shown]} radius="sm" tt="none">{t(`status.${shown}`)}</Badge>
  const step = job?.step ? t(`step.${job.step}`) : t('status.running')
  return (
    <Group gap={6} wrap="nowrap" miw={120}>
      <Progress value={part} w={64} aria-label={t('job.progress')} animated />
      <Text size="xs" className="number">{`${part} % ${step}`}</Text>
    </Group>
  )
}
