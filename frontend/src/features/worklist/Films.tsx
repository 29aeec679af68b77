import { Badge, Table, Text, UnstyledButton } from '@mantine/core'
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react'
import { Link, useNavigate } from 'react-router'

import type { Row, Stage } from '../../api/shapes'
import { StageBadge } from '../../parts/StageBadge'
import { day, moment } from '../../words/format'
import { useWords } from '../../words/language'
import type { Key } from '../../words/table'
import { StatusBadge } from '../jobs/StatusBadge'
import { type Asked, type Sort, sorted } from './asked'

const COLUMNS: [Sort | null, Key][] = [
  ['name', 'list.film'],
  ['patient_name', 'list.patient'],
  ['patient_id', 'list.patient-id'],
  ['study_date', 'list.study-date'],
  ['received', 'list.received'],
  ['status', 'list.status'],
  ['my_stage', 'list.my-stage'],
  [null, 'list.machine-stage'],
]

interface Given {
  films: Row[]
  asked: Asked
  onAsk: (asked: Asked) => void
  fading: boolean
}

export function Films({ films, asked, onAsk, fading }: Given) {
  const { t } = useWords()
  return (
    <Table.ScrollContainer minWidth={900}>
      <Table highlightOnHover stickyHeader aria-busy={fading} style={{ opacity: fading ? 0.6 : 1 }} className="films">
        <Table.Thead>
          <Table.Tr>
            {COLUMNS.map(([sort, words]) => (
              <Head key={words} sort={sort} label={t(words)} asked={asked} onAsk={onAsk} />
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {films.map((film) => (
            <Film key={film.id} film={film} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

function Head({ sort, label, asked, onAsk }: { sort: Sort | null; label: string } & Pick<Given, 'asked' | 'onAsk'>) {
  const { t } = useWords()
  if (!sort) return <Table.Th>{label}</Table.Th>
  const here = asked.sort === sort
  const Arrow = asked.order === 'asc' ? IconArrowUp : IconArrowDown
  return (
    <Table.Th aria-sort={here ? (asked.order === 'asc' ? 'ascending' : 'descending') : 'none'}>
      <UnstyledButton fz="sm" fw={700} aria-label={t('list.sort', { name: label })} onClick={() => onAsk(sorted(asked, sort))}>
        {label} {here && <Arrow size={13} aria-hidden />}
      </UnstyledButton>
    </Table.Th>
  )
}

/** The whole line opens the film; the link in it is what keyboards and screen readers use. */
function Film({ film }: { film: Row }) {
  const { t } = useWords()
  const navigate = useNavigate()
  const to = `/films/${film.id}`
  return (
    <Table.Tr className="film-line" onClick={(event) => !(event.target as Element).closest('a') && void navigate(to)}>
      <Table.Td>
        <Link to={to} aria-label={t('list.open', { name: film.name })}>{film.name}</Link>
        {film.priority > 5 && <Badge ml={6} size="sm" color="red" variant="light" tt="none">{t('list.urgent')}</Badge>}
      </Table.Td>
      <Table.Td>{film.patient_name || '–'}</Table.Td>
      <Table.Td className="number">{film.patient_id || '–'}</Table.Td>
      <Table.Td className="number">{day(film.study_date)}</Table.Td>
      <Table.Td className="number">{moment(film.received)}</Table.Td>
      <Table.Td><StatusBadge id={film.id} status={film.status} progress={film.progress} /></Table.Td>
      <Table.Td>{film.my_stage ? <Mine film={film} stage={film.my_stage} /> : '–'}</Table.Td>
      <Table.Td>{film.machine?.stage ? <StageBadge stage={film.machine.stage} /> : <Dash hidden={film.machine === null && film.status === 'done'} />}</Table.Td>
    </Table.Tr>
  )
}

function Mine({ film, stage }: { film: Row; stage: Stage }) {
  const { t } = useWords()
  return (
    <>
      <StageBadge stage={stage} />
      {film.versions > 1 && <Text span size="xs" c="dimmed" ml={4}>{t('list.versions', { n: film.versions })}</Text>}
    </>
  )
}

function Dash({ hidden }: { hidden: boolean }) {
  const { t } = useWords()
  return hidden ? <Text span size="xs" c="dimmed">{t('list.hidden')}</Text> : <>–</>
}
