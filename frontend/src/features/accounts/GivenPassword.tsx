import { Button, Code, CopyButton, Group, Modal, Stack, Text } from '@mantine/core'

import { useWords } from '../../words/language'

export interface Given {
  name: string
  password: string
}

/** A one-time password, shown this once. */
export function GivenPassword({ given, onClose }: { given: Given | null; onClose: () => void }) {
  const { t } = useWords()
  return (
    <Modal
      opened={given !== null} onClose={onClose} closeOnClickOutside={false} title={t('accounts.password-title', { name: given?.name ?? '' })}
      closeButtonProps={{ 'aria-label': t('do.close') }}
    >
      <Stack>
        <Text size="sm">{t('accounts.password-once')}</Text>
        <Group>
          <Code fz="lg" data-testid="given-password">{given?.password}</Code>
          <CopyButton value={given?.password ?? ''}>
            {({ copied, copy }) => <Button size="xs" variant="default" onClick={copy}>{t(copied ? 'do.copied' : 'do.copy')}</Button>}
          </CopyButton>
        </Group>
        <Button onClick={onClose}>{t('do.close')}</Button>
      </Stack>
    </Modal>
  )
}
