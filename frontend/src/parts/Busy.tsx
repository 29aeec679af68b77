import { Center, Loader } from '@mantine/core'

import { useWords } from '../words/language'

export function Busy() {
  const { t } = useWords()
  return (
    <Center p="xl" role="status" aria-label={t('room.loading')}>
      <Loader />
    </Center>
  )
}
