import { Button, Group, Pagination, Stack, Text } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useCallback } from 'react'
import { useNavigate, useSearchParams } from 'react-router'

import { http } from '../../api/http'
import { useAbout, useMe } from '../../api/session'
import type { WorkListPage } from '../../api/shapes'
import { Busy } from '../../parts/Busy'
import { Fault } from '../../parts/Fault'
import { Page } from '../../parts/Page'
import { useWords } from '../../words/language'
import { Uploads } from '../uploads/Uploads'
import { addressOf, type Asked, askedIn, PAGE_SIZE, queryOf } from './asked'
import { Filters } from './Filters'
import { Films } from './Films'

import './worklist.css'

export function WorkList() {
  const { t } = useWords()
  const reader = useMe().account.role === 'reader'
  const about = useAbout()
  const [address, setAddress] = useSearchParams()
  const asked = askedIn(address)
  const ask = useCallback((next: Asked) => setAddress(addressOf(next), { replace: true }), [setAddress])
  const query = queryOf(asked)
  const list = useQuery({
    queryKey: ['cases', query],
    queryFn: ({ signal }) => http.get<WorkListPage>(`/api/cases?${query}`, signal),
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  })
  const filters = Object.keys(asked.filters).length > 0
  const empty = list.data?.cases.length === 0
  return (
    <Page title={t('list.title')} aside={reader && <NextToRead />}>
      <Stack gap="sm">
        {reader && <Uploads limit={about.data?.limits.upload_bytes} />}
        <Filters asked={asked} onAsk={ask} />
        {list.error && <Fault error={list.error} onRetry={() => void list.refetch()} />}
        {list.isPending && !list.error && <Busy />}
        {list.data && !empty && <Films films={list.data.cases} asked={asked} onAsk={ask} fading={list.isPlaceholderData} />}
        {empty && <Text c="dimmed" ta="center" p="xl">{t(filters ? 'list.nothing' : reader ? 'list.empty' : 'list.empty-admin')}</Text>}
        {list.data && !empty && <Pages list={list.data} asked={asked} onAsk={ask} />}
      </Stack>
    </Page>
  )
}

function Pages({ list, asked, onAsk }: { list: WorkListPage; asked: Asked; onAsk: (asked: Asked) => void }) {
  const { t } = useWords()
  const pages = Math.max(1, Math.ceil(list.total / PAGE_SIZE))
  return (
    <Group justify="space-between">
      <Text size="sm" c="dimmed" className="number">{t(list.total_is_floor ? 'list.total-floor' : 'list.total', { total: list.total })}</Text>
      {pages > 1 && (
        <Pagination
          total={pages} value={asked.page} onChange={(page) => onAsk({ ...asked, page })} size="sm" aria-label={t('list.pages')}
          getControlProps={(control) => ({ 'aria-label': control })}
        />
      )}
    </Group>
  )
}

/** Opens the film that has waited longest for this reader. */
function NextToRead() {
  const { t } = useWords()
  const navigate = useNavigate()
  const query = 'reading=unread&sort=priority&order=desc&page=1&size=1'
  const next = useQuery({
    queryKey: ['cases', query],
    queryFn: ({ signal }) => http.get<WorkListPage>(`/api/cases?${query}`, signal),
  })
  const film = next.data?.cases[0]
  return (
    <Button disabled={!film} onClick={() => film && void navigate(`/films/${film.id}`)} data-testid="next-film">
      {t('list.next')}
    </Button>
  )
}
