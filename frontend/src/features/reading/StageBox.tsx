import { Group, Paper, Text } from '@mantine/core'

import type { Staging } from '../../api/shapes'
import { StageBadge } from '../../parts/StageBadge'
import { useWords } from '../../words/language'

/** Stage and clause as they follow from what is typed. */
export function StageBox({ staging }: { staging: Staging | undefined }) {
  const { t, say } = useWords()
  return (
    <Paper withBorder p="xs" className="stage-box" role="status" aria-label={t('read.stage')} data-testid="stage">
      {!staging ? (
        <Text size="sm" c="dimmed">{t('read.stage-waiting')}</Text>
      ) : (
        <>
          <Group gap="xs">
            <StageBadge stage={staging.stage} />
            <Text size="sm" fw={600}>{t('machine.clause', { clause: staging.clause })}</Text>
            <Text size="xs" c="dimmed">
              {[
                t('read.overall', { n: staging.overall }),
                t('read.distribution', { n: staging.distribution }),
                staging.ilo_profusion ? t('read.ilo', { value: staging.ilo_profusion }) : null,
              ].filter(Boolean).join(' · ')}
            </Text>
          </Group>
          <Text size="xs" mt={4}>{say({ en: staging.sentence, zh: staging.sentence_zh })}</Text>
        </>
      )}
    </Paper>
  )
}
