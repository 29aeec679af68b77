/** The reader's own reading, kept as a draft while it is written, until it is signed. */
import { Button, Group, Modal, Stack, Text, Textarea } from '@mantine/core'
import { useDebouncedCallback, useDebouncedValue, useDisclosure } from '@mantine/hooks'
import { useMemo, useState } from 'react'

import type { Findings, Reading, Staging } from '../../api/shapes'
import { Fault } from '../../parts/Fault'
import { StageBadge } from '../../parts/StageBadge'
import { useWords } from '../../words/language'
import { OtherFields, OverrideFields, PleuraFields, ShapeFields } from './FindingFields'
import { draftOf, findingsOf, type Form, type Missing, missingIn } from './form'
import { LargeFields } from './LargeFields'
import { StageBox } from './StageBox'
import { useKeepDraft, useSign, useStaging } from './useReadings'
import { useSitting } from './useSitting'
import { ZoneFields } from './ZoneFields'

import './reading.css'

interface Asked {
  id: string
  begin: Form
  /** The version this one follows, or null for the first. */
  amends: number | null
  /** Whether signing will open what is hidden now. */
  blind: boolean
  measured: number[]
  onSigned: (reading: Reading) => void
  onCancel?: (() => void) | undefined
}

const KEEP_AFTER_MS = 1200
const ASK_AFTER_MS = 150

export function ReadingForm({ id, begin, amends, blind, measured, onSigned, onCancel }: Asked) {
  const { t } = useWords()
  const [form, setForm] = useState(begin)
  const [before] = useState(begin.seconds)
  const sitting = useSitting()
  const draft = useKeepDraft(id)
  const withTime = (given: Form): Form => ({ ...given, seconds: before + sitting() })
  const keep = useDebouncedCallback((given: Form) => draft.mutate(draftOf(withTime(given))), { delay: KEEP_AFTER_MS, flushOnUnmount: true })
  const change = (part: Partial<Form>) => {
    const next = { ...form, ...part }
    setForm(next)
    keep(next)
  }

  // The stage is asked for a moment after the last change; until it is there, nothing can be signed.
  const wanted = JSON.stringify(findingsOf({ ...form, override: null, comment: '', seconds: 0 }))
  const [asked] = useDebouncedValue(wanted, ASK_AFTER_MS)
  const findings = useMemo(() => JSON.parse(asked) as Findings | null, [asked])
  const staging = useStaging(findings)
  const staged = asked === wanted && findings !== null && !staging.isPlaceholderData ? staging.data : undefined
  const missing = missingIn(form, amends !== null)
  const sign = useSign(id, onSigned)
  const [confirming, { open, close }] = useDisclosure(false)
  const doSign = () => {
    const signed = findingsOf(withTime(form))
    if (signed) sign.mutate({ findings: signed, amends, reason: form.reason.trim() }, { onSettled: close })
  }
  return (
    <Stack gap="sm" className="read-form">
      {amends !== null && (
        <Textarea
          size="xs" label={t('read.amend-why')} value={form.reason} autosize minRows={1} maxLength={1000}
          onChange={(event) => change({ reason: event.currentTarget.value })}
        />
      )}
      <ZoneFields zones={form.zones} onZones={(zones) => change({ zones })} />
      <StageBox staging={wanted === 'null' ? undefined : staging.data} />
      {staging.error && <Fault error={staging.error} />}
      <ShapeFields form={form} onForm={change} />
      <LargeFields large={form.large} onLarge={(large) => change({ large })} measured={measured} />
      <PleuraFields form={form} onForm={change} />
      <OtherFields form={form} onForm={change} />
      <OverrideFields form={form} onForm={change} />
      {sign.error && <Fault error={sign.error} />}
      <Group justify="space-between" className="read-foot">
        <Text size="xs" c="dimmed" role="status" maw={230}>
          {missing.length ? t('read.needs', { list: missing.map((one) => missingWords(t, one)).join(', ') }) : draftWords(t, draft)}
        </Text>
        <Group gap="xs">
          {onCancel && <Button size="sm" variant="default" onClick={onCancel}>{t('read.amend-cancel')}</Button>}
          <Button size="sm" disabled={missing.length > 0 || !staged} onClick={open} data-testid="sign">{t('read.sign')}</Button>
        </Group>
      </Group>
      <Modal opened={confirming} onClose={close} title={t('read.sign-title')} closeButtonProps={{ 'aria-label': t('do.close') }}>
        <Confirm {...{ staging: staging.data, form, blind }} />
        <Group justify="flex-end" mt="md">
          <Button variant="default" onClick={close}>{t('do.cancel')}</Button>
          <Button onClick={doSign} loading={sign.isPending} data-autofocus data-testid="sign-do">{t('read.sign-do')}</Button>
        </Group>
      </Modal>
    </Stack>
  )
}

type Say = ReturnType<typeof useWords>['t']

function missingWords(t: Say, missing: Missing): string {
  return missing.what === 'zones' ? t('read.need-zones', { n: missing.count }) : t(`read.need-${missing.what}`)
}

function draftWords(t: Say, draft: { isPending: boolean; isError: boolean; isSuccess: boolean }): string {
  if (draft.isPending) return t('read.saving')
  if (draft.isError) return t('read.unsaved')
  return draft.isSuccess ? t('read.saved') : ''
}

function Confirm({ staging, form, blind }: { staging: Staging | undefined; form: Form; blind: boolean }) {
  const { t, say } = useWords()
  if (!staging) return null
  const stage = form.override?.stage || staging.stage
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <StageBadge stage={stage} />
        <Text fw={600}>{form.override ? t('read.overridden', { stage: t(`stage.${staging.stage}`), reason: form.override.reason }) : t('machine.clause', { clause: staging.clause })}</Text>
      </Group>
      <Text size="sm">{say({ en: staging.sentence, zh: staging.sentence_zh })}</Text>
      <Text size="sm" c="dimmed">{t('read.sign-lead')}</Text>
      {blind && <Text size="sm" c="dimmed">{t('read.sign-blind')}</Text>}
    </Stack>
  )
}
