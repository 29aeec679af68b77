import { Alert, Button, List } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'

import { ApiError } from '../api/http'
import { useWords } from '../words/language'

/** What went wrong, in the server's own words and in the language of the page. */
export function Fault({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t, fault } = useWords()
  const fields = error instanceof ApiError ? error.fields : []
  return (
    <Alert color="red" icon={<IconAlertTriangle />} title={t('fault.title')} role="alert">
      {fault(error)}
      {fields.length > 0 && (
        <List size="sm">
          {fields.map((field) => (
            <List.Item key={field.at}>{`${field.at}: ${field.message}`}</List.Item>
          ))}
        </List>
      )}
      {onRetry && (
        <Button mt="xs" size="xs" variant="default" onClick={onRetry}>
          {t('do.retry')}
        </Button>
      )}
    </Alert>
  )
}
