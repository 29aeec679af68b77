import { Anchor, Text } from '@mantine/core'
import { Link } from 'react-router'

import { Page } from '../parts/Page'
import { useWords } from '../words/language'

export function NotFound() {
  const { t } = useWords()
  return (
    <Page title="404">
      <Text>{t('room.not-found')}</Text>
      <Anchor component={Link} to="/">{t('room.back')}</Anchor>
    </Page>
  )
}
