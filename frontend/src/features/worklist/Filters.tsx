import { Button, CloseButton, Group, NativeSelect, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { IconSearch } from '@tabler/icons-react'
import { useState } from 'react'

import { useWords } from '../../words/language'
import { type Asked, type Filter, filtered } from './asked'

const STATES = ['queued', 'running', 'done', 'failed', 'refused', 'cancelled'] as const
const STAGES = ['0', 'I', 'II', 'III'] as const

export function Filters({ asked, onAsk }: { asked: Asked; onAsk: (asked: Asked) => void }) {
  const { t } = useWords()
  const set = (name: Filter) => (event: { currentTarget: { value: string } }) => onAsk(filtered(asked, name, event.currentTarget.value))
  const value = (name: Filter) => asked.filters[name] ?? ''
  const any = { value: '', label: t('list.any') }
  const stages = [any, ...STAGES.map((stage) => ({ value: stage, label: t(`stage.${stage}`) }))]
  return (
    <Group gap="xs" align="end" role="search" aria-label={t('list.filters')}>
      <Search asked={asked} onAsk={onAsk} />
      <NativeSelect
        size="xs" label={t('list.reading')} value={value('reading')} onChange={set('reading')}
        data={[any, { value: 'unread', label: t('list.unread') }, { value: 'signed', label: t('list.signed') }]}
      />
      <NativeSelect
        size="xs" label={t('list.status')} value={value('status')} onChange={set('status')}
        data={[any, ...STATES.map((state) => ({ value: state, label: t(`status.${state}`) }))]}
      />
      <NativeSelect size="xs" label={t('list.my-stage')} value={value('my_stage')} onChange={set('my_stage')} data={stages} />
      <NativeSelect size="xs" label={t('list.machine-stage')} value={value('machine_stage')} onChange={set('machine_stage')} data={stages} />
      <TextInput size="xs" type="date" label={t('list.from')} value={value('from')} onChange={set('from')} />
      <TextInput size="xs" type="date" label={t('list.to')} value={value('to')} onChange={set('to')} />
      {Object.keys(asked.filters).length > 0 && (
        <Button size="xs" variant="subtle" onClick={() => onAsk({ ...asked, filters: {}, page: 1 })}>{t('list.clear')}</Button>
      )}
    </Group>
  )
}

/** Asks a moment after the last key, not at each. */
function Search({ asked, onAsk }: { asked: Asked; onAsk: (asked: Asked) => void }) {
  const { t } = useWords()
  const given = asked.filters.q ?? ''
  const [shown, setShown] = useState({ given, text: given })
  const ask = useDebouncedCallback((text: string) => onAsk(filtered(asked, 'q', text.trim())), 300)
  const text = shown.given === given ? shown.text : given
  const type = (next: string) => {
    setShown({ given, text: next })
    ask(next)
  }
  return (
    <TextInput
      size="xs" flex="1 1 220px" label={t('list.search')} value={text} maxLength={100} leftSection={<IconSearch size={14} />}
      onChange={(event) => type(event.currentTarget.value)}
      rightSection={text ? <CloseButton size="xs" aria-label={t('list.clear')} onClick={() => type('')} /> : null}
    />
  )
}
