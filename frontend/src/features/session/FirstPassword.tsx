import { Paper, Stack, Text, Title } from '@mantine/core'

import { useWords } from '../../words/language'
import { PasswordForm } from './PasswordForm'

/** Nothing else is open until the password that was handed out has been changed. */
export function FirstPassword() {
  const { t } = useWords()
  return (
    <div className="sign-in">
      <title>{`${t('password.first-title')} · konio`}</title>
      <Paper withBorder p="xl" w={430} maw="94vw" shadow="md">
        <Stack>
          <Title order={1} size="h3">{t('password.first-title')}</Title>
          <Text size="sm" c="dimmed">{t('password.first-lead')}</Text>
          <PasswordForm given />
        </Stack>
      </Paper>
    </div>
  )
}
