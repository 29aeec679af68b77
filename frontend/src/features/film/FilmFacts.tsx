import { Alert, Button, Group, List, Stack, Table, Text, TextInput, Title } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { http } from '../../api/http'
import type { FilmCase } from '../../api/shapes'
import { Fault } from '../../parts/Fault'
import { day, megabytes, moment } from '../../words/format'
import { useWords } from '../../words/language'
import { WORDS, type Key } from '../../words/table'

/** What is known of the film: whose, when, how large, how good. */
export function FilmFacts({ film }: { film: FilmCase }) {
  const { t, language } = useWords()
  const [editing, setEditing] = useState(false)
  const notes = language === 'zh' ? film.film_notes_zh : film.film_notes
  const facts: [Key, string, boolean?][] = [
    ['case.patient-name', film.patient_name || '–'],
    ['case.patient-id', film.patient_id || '–'],
    ['case.study-date', day(film.study_date)],
    ['case.received', moment(film.received)],
    ['case.size', film.rows && film.columns ? t('case.size-of', { columns: film.columns, rows: film.rows, bytes: megabytes(film.bytes) }) : megabytes(film.bytes)],
    ['case.spacing', film.spacing_mm ? `${film.spacing_mm.map((mm) => mm.toFixed(3)).join(' × ')} mm` : t('case.spacing-unknown')],
    ['case.format', film.format ?? '–'],
    ['case.uid', film.sop_instance_uid ?? '–', true],
    ['case.hash', film.sha256, true],
  ]
  return (
    <Stack>
      {film.job?.reason && film.status === 'failed' && <Failed film={film} />}
      {editing ? <Correct film={film} onDone={() => setEditing(false)} /> : (
        <>
          <Table verticalSpacing={4} withRowBorders={false}>
            <Table.Tbody>
              {facts.map(([key, value, mono]) => (
                <Table.Tr key={key}>
                  <Table.Th w={130} fw={400} c="dimmed">{t(key)}</Table.Th>
                  <Table.Td className={mono ? 'mono' : 'number'}>{value}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
          <Button variant="default" size="xs" w="fit-content" onClick={() => setEditing(true)}>{t('case.edit')}</Button>
        </>
      )}
      {notes.length > 0 && (
        <section>
          <Title order={2} size="h5">{t('case.notes')}</Title>
          <List size="sm">{notes.map((note) => <List.Item key={note}>{note === 'synthetic' ? t('case.synthetic') : note}</List.Item>)}</List>
        </section>
      )}
      <Quality film={film} />
    </Stack>
  )
}

function Failed({ film: { job } }: { film: FilmCase }) {
  const { t, say } = useWords()
  if (!job?.reason) return null
  return <Alert color="red" title={t('case.failed')}>{say({ en: job.reason.message, zh: job.reason.message_zh })}</Alert>
}

function Quality({ film: { quality } }: { film: FilmCase }) {
  const { t, language } = useWords()
  const numbers = Object.entries(quality).filter((fact): fact is [string, number] => typeof fact[1] === 'number')
  const remarks = quality[language === 'zh' && quality['remarks_zh'] ? 'remarks_zh' : 'remarks']
  const said = Array.isArray(remarks) ? (remarks as string[]) : null
  const name = (key: string) => (`quality.${key}` in WORDS ? t(`quality.${key}` as Key) : key.replaceAll('_', ' '))
  return (
    <section>
      <Title order={2} size="h5">{t('case.quality')}</Title>
      {!said && !numbers.length && <Text size="sm" c="dimmed">{t('case.quality-none')}</Text>}
      {said && (said.length ? <List size="sm">{said.map((remark) => <List.Item key={remark}>{remark}</List.Item>)}</List> : <Text size="sm">{t('case.remarks-none')}</Text>)}
      {numbers.length > 0 && (
        <Table verticalSpacing={2} withRowBorders={false}>
          <Table.Tbody>
            {numbers.map(([key, value]) => (
              <Table.Tr key={key}>
                <Table.Th fw={400} c="dimmed">{name(key)}</Table.Th>
                <Table.Td className="number">{Number(value.toPrecision(3))}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </section>
  )
}

/** Person and date as a reader corrects them; the file itself stays as it came. */
function Correct({ film, onDone }: { film: FilmCase; onDone: () => void }) {
  const { t } = useWords()
  const client = useQueryClient()
  const [name, setName] = useState(film.patient_name ?? '')
  const [number, setNumber] = useState(film.patient_id ?? '')
  const [date, setDate] = useState(film.study_date ?? '')
  const save = useMutation({
    mutationFn: () => http.patch<FilmCase>(`/api/cases/${encodeURIComponent(film.id)}`, { patient_name: name.trim(), patient_id: number.trim(), study_date: date }),
    onSuccess: async (changed) => {
      client.setQueryData(['case', film.id], changed)
      await client.invalidateQueries({ queryKey: ['cases'] })
      onDone()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="xs" maw={340}>
        <TextInput label={t('case.patient-name')} value={name} maxLength={160} onChange={(event) => setName(event.currentTarget.value)} />
        <TextInput label={t('case.patient-id')} value={number} maxLength={80} onChange={(event) => setNumber(event.currentTarget.value)} />
        <TextInput label={t('case.study-date')} type="date" value={date} onChange={(event) => setDate(event.currentTarget.value)} />
        {save.error && <Fault error={save.error} />}
        <Group gap="xs">
          <Button type="submit" size="xs" loading={save.isPending}>{t('do.save')}</Button>
          <Button size="xs" variant="default" onClick={onDone}>{t('do.cancel')}</Button>
        </Group>
      </Stack>
    </form>
  )
}
