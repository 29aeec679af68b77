/** Everything of the form but zones and large opacities. */
import { Checkbox, Group, MultiSelect, NativeSelect, NumberInput, SimpleGrid, Stack, Text, Textarea } from '@mantine/core'

import { useVocabulary } from '../../api/session'
import { PLEURAL_SIGNS, type Stage } from '../../api/shapes'
import { useWords } from '../../words/language'
import type { Form } from './form'

interface Asked {
  form: Form
  onForm: (part: Partial<Form>) => void
}

export function ShapeFields({ form, onForm }: Asked) {
  const { t, say } = useWords()
  const shapes = useVocabulary().data?.shapes ?? []
  const data = [{ value: '', label: '–' }, ...shapes.map((shape) => ({ value: shape.name, label: `${shape.name} · ${say(shape)}` }))]
  return (
    <fieldset className="read-group">
      <legend><Text fw={600} size="sm">{t('read.shape')}</Text></legend>
      <SimpleGrid cols={2} spacing="xs">
        <NativeSelect size="xs" label={t('read.primary')} data={data} value={form.primary} onChange={(event) => onForm({ primary: event.currentTarget.value })} />
        <NativeSelect size="xs" label={t('read.secondary')} data={data} value={form.secondary} onChange={(event) => onForm({ secondary: event.currentTarget.value })} />
      </SimpleGrid>
      <Checkbox mt="xs" label={t('read.aggregation')} checked={form.aggregation} onChange={(event) => onForm({ aggregation: event.currentTarget.checked })} />
    </fieldset>
  )
}

export function PleuraFields({ form, onForm }: Asked) {
  const { t } = useWords()
  const { plaque } = form
  return (
    <fieldset className="read-group">
      <legend><Text fw={600} size="sm">{t('read.pleura')}</Text></legend>
      <Group gap="sm">
        {PLEURAL_SIGNS.map((sign) => (
          <Checkbox
            key={sign} label={t(`pleura.${sign}`)} checked={form.pleura[sign]}
            onChange={(event) => onForm({ pleura: { ...form.pleura, [sign]: event.currentTarget.checked } })}
          />
        ))}
      </Group>
      <Checkbox mt="xs" label={t('read.asbestos')} checked={form.asbestos} onChange={(event) => onForm({ asbestos: event.currentTarget.checked })} />
      {form.asbestos && form.pleura.plaque && (
        <Stack gap={6} mt="xs" pl="md">
          <NumberInput
            size="xs" label={t('read.plaque-length')} min={0} max={2} step={0.25} decimalScale={2} w={240} value={plaque.length}
            onChange={(value) => onForm({ plaque: { ...plaque, length: Number(value) || 0 } })}
          />
          <Checkbox label={t('read.plaque-heart')} checked={plaque.heart} onChange={(event) => onForm({ plaque: { ...plaque, heart: event.currentTarget.checked } })} />
          <Checkbox label={t('read.plaque-shaggy')} checked={plaque.shaggy} onChange={(event) => onForm({ plaque: { ...plaque, shaggy: event.currentTarget.checked } })} />
        </Stack>
      )}
    </fieldset>
  )
}

export function OtherFields({ form, onForm }: Asked) {
  const { t, say, language } = useWords()
  const vocabulary = useVocabulary().data
  return (
    <Stack gap="xs">
      <MultiSelect
        size="xs" label={t('read.symbols')} placeholder={form.symbols.length ? '' : t('read.symbols-hint')} value={form.symbols} searchable hidePickedOptions
        data={(vocabulary?.symbols ?? []).map((symbol) => ({ value: symbol.name, label: `${symbol.name} · ${say(symbol)}` }))}
        onChange={(symbols) => onForm({ symbols })}
      />
      <SimpleGrid cols={2} spacing="xs">
        <NativeSelect
          size="xs" label={t('read.quality')} value={form.quality ?? ''}
          data={[{ value: '', label: '–' }, ...(vocabulary?.quality_grades ?? []).map((one) => ({ value: String(one.grade), label: `${one.grade} · ${say(one)}` }))]}
          onChange={(event) => onForm({ quality: event.currentTarget.value ? Number(event.currentTarget.value) : null })}
        />
        <NativeSelect
          size="xs" label={t('read.disease')} value={form.disease}
          data={[{ value: '', label: t('read.disease-none') }, ...(vocabulary?.diseases ?? []).map((one) => ({ value: one.name, label: language === 'zh' ? one.name : one.en }))]}
          onChange={(event) => onForm({ disease: event.currentTarget.value })}
        />
      </SimpleGrid>
      <Textarea
        size="xs" label={t('read.comment')} value={form.comment} autosize minRows={2} maxRows={8} maxLength={4000}
        onChange={(event) => onForm({ comment: event.currentTarget.value })}
      />
    </Stack>
  )
}

const STAGES: Stage[] = ['0', 'I', 'II', 'III']

export function OverrideFields({ form, onForm }: Asked) {
  const { t } = useWords()
  const { override } = form
  return (
    <Stack gap="xs">
      <Checkbox
        label={t('read.override')} checked={override !== null}
        onChange={(event) => onForm({ override: event.currentTarget.checked ? { stage: '', reason: '' } : null })}
      />
      {override && (
        <>
          <NativeSelect
            size="xs" label={t('read.override-stage')} value={override.stage}
            data={[{ value: '', label: t('read.unset') }, ...STAGES.map((stage) => ({ value: stage, label: t(`stage.${stage}`) }))]}
            onChange={(event) => onForm({ override: { ...override, stage: event.currentTarget.value as Stage | '' } })}
          />
          <Textarea
            size="xs" label={t('read.override-why')} value={override.reason} autosize minRows={1} maxLength={1000}
            onChange={(event) => onForm({ override: { ...override, reason: event.currentTarget.value } })}
          />
        </>
      )}
    </Stack>
  )
}
