/** Where films come in: dropped on the page or chosen, each with its progress and what became of it. */
import { Anchor, Badge, Button, FileButton, Group, Paper, Progress, ScrollArea, Table, Text } from '@mantine/core'
import { IconUpload } from '@tabler/icons-react'
import { Link } from 'react-router'

import { megabytes } from '../../words/format'
import { useWords } from '../../words/language'
import type { Upload } from './send'
import { useDrop } from './useDrop'
import { useUploads } from './useUploads'

import './uploads.css'

const ACCEPTED = '.dcm,.dicom,.png,.jpg,.jpeg,.zip,application/dicom,image/png,image/jpeg,application/zip'

export function Uploads({ limit }: { limit: number | undefined }) {
  const { t } = useWords()
  const { uploads, add, clear } = useUploads(limit)
  const over = useDrop(add)
  const ended = uploads.filter((one) => one.state === 'stored' || one.state === 'failed').length
  return (
    <Paper withBorder p="sm" className={over ? 'uploads uploads-over' : 'uploads'} component="section" aria-label={t('upload.title')}>
      <Group justify="space-between">
        <Group gap="sm">
          <IconUpload size={22} aria-hidden />
          <Text size="sm">
            {t(over ? 'upload.release' : 'upload.drop')}
            {limit !== undefined && <Text span c="dimmed" size="sm">{` · ${t('upload.limit', { size: megabytes(limit) })}`}</Text>}
          </Text>
        </Group>
        <Group gap="xs">
          {uploads.length > 0 && <Text size="sm" role="status" className="number">{t('upload.summary', { done: ended, all: uploads.length })}</Text>}
          {ended > 0 && <Button size="compact-sm" variant="subtle" onClick={clear}>{t('upload.clear')}</Button>}
          <FileButton multiple accept={ACCEPTED} onChange={add} inputProps={{ 'aria-label': t('upload.choose') }}>
            {(props) => <Button size="compact-sm" {...props}>{t('upload.choose')}</Button>}
          </FileButton>
        </Group>
      </Group>
      {uploads.length > 0 && (
        <ScrollArea.Autosize mah={220} mt="xs">
          <Table aria-label={t('upload.list')} verticalSpacing={4}>
            <Table.Tbody>
              {uploads.flatMap((upload) => lines(upload))}
            </Table.Tbody>
          </Table>
        </ScrollArea.Autosize>
      )}
    </Paper>
  )
}

/** One line for a file; a ZIP gives one for each film in it. */
function lines(upload: Upload) {
  if (upload.state !== 'stored') return [<Line key={upload.key} upload={upload} />]
  const { cases, refused } = upload.answer
  return [
    ...cases.map((one) => <Stored key={`${upload.key}-${one.id}`} {...one} />),
    ...refused.map((one, i) => <Refused key={`${upload.key}-r${i}`} {...one} />),
  ]
}

function Line({ upload }: { upload: Exclude<Upload, { state: 'stored' }> }) {
  const { t, fault } = useWords()
  return (
    <Table.Tr>
      <Table.Td>{upload.file.name}</Table.Td>
      <Table.Td w={90} className="number">{megabytes(upload.file.size)}</Table.Td>
      <Table.Td w={320}>
        {upload.state === 'waiting' && <Text size="sm" c="dimmed">{t('upload.waiting')}</Text>}
        {upload.state === 'sending' && (
          <Group gap="xs" wrap="nowrap">
            <Progress value={100 * upload.part} flex={1} aria-label={`${t('upload.sending')} ${upload.file.name}`} />
            <Text size="xs" className="number">{upload.part < 1 ? `${Math.round(100 * upload.part)} %` : t('upload.checking')}</Text>
          </Group>
        )}
        {upload.state === 'failed' && (
          <>
            <Badge color="red" variant="light" tt="none">{t('upload.failed')}</Badge> <Text span size="sm">{fault(upload.error)}</Text>
          </>
        )}
      </Table.Td>
    </Table.Tr>
  )
}

function Stored({ id, name, duplicate }: { id: string; name: string; duplicate: boolean }) {
  const { t } = useWords()
  return (
    <Table.Tr>
      <Table.Td><Anchor component={Link} fz="sm" to={`/films/${id}`}>{name}</Anchor></Table.Td>
      <Table.Td />
      <Table.Td>
        <Badge color={duplicate ? 'gray' : 'teal'} variant="light" tt="none">{t(duplicate ? 'upload.duplicate' : 'upload.stored')}</Badge>
      </Table.Td>
    </Table.Tr>
  )
}

function Refused({ name, reason, reason_zh: zh }: { name: string; reason: string; reason_zh: string }) {
  const { t, say } = useWords()
  return (
    <Table.Tr>
      <Table.Td>{name}</Table.Td>
      <Table.Td />
      <Table.Td>
        <Badge color="orange" variant="light" tt="none">{t('upload.refused')}</Badge> <Text span size="sm">{say({ en: reason, zh })}</Text>
      </Table.Td>
    </Table.Tr>
  )
}
