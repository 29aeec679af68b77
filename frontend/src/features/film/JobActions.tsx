import { ActionIcon, Menu } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconDots } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'

import { http } from '../../api/http'
import type { FilmCase } from '../../api/shapes'
import { useWords } from '../../words/language'
import { useJob } from '../jobs/store'

const MOST_URGENT = 9

/** What can be done with the assessment of a film in its present state. */
export function JobActions({ film }: { film: FilmCase }) {
  const { t, fault } = useWords()
  const client = useQueryClient()
  const job = useJob(film.id) ?? film.job
  const act = useMutation({
    mutationFn: (send: () => Promise<unknown>) => send(),
    onError: (error) => notifications.show({ color: 'red', title: t('fault.title'), message: fault(error) }),
    onSettled: () => client.invalidateQueries({ queryKey: ['case', film.id] }),
  })
  const open = job?.state === 'queued' || job?.state === 'running'
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" aria-label={t('job.menu')}><IconDots size={18} /></ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {open && job.state === 'queued' && (
          <Menu.Item onClick={() => act.mutate(() => http.patch(`/api/jobs/${job.id}`, { priority: MOST_URGENT }))}>{t('job.first')}</Menu.Item>
        )}
        {open && <Menu.Item onClick={() => act.mutate(() => http.post(`/api/jobs/${job.id}/cancel`))}>{t('job.cancel')}</Menu.Item>}
        {!open && (
          <Menu.Item onClick={() => act.mutate(() => http.post(`/api/cases/${encodeURIComponent(film.id)}/job`))}>{t('job.retry')}</Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}
