import { Badge, Group, Stack, Table, Text } from '@mantine/core'

import { useVocabulary } from '../../api/session'
import { PLEURAL_SIGNS, type Reading } from '../../api/shapes'
import { StageBadge } from '../../parts/StageBadge'
import { ZoneGrid } from '../../parts/ZoneGrid'
import { duration, moment } from '../../words/format'
import { useWords } from '../../words/language'

/** A signed reading as it stands for good. */
export function SignedReading({ reading, named = false }: { reading: Reading; named?: boolean }) {
  const { t, say, language } = useWords()
  const { findings, staging } = reading
  const at = moment(reading.signed)
  return (
    <Stack gap="xs" data-testid="signed-reading">
      <Group gap="xs">
        <StageBadge stage={reading.stage} />
        <Text size="sm" fw={600}>
          {named ? t('read.by', { name: reading.reader.display, n: reading.version, at }) : t('read.signed', { n: reading.version, at })}
        </Text>
        <Badge variant="outline" tt="none" color={reading.before_machine ? 'teal' : 'gray'}>
          {t(reading.before_machine ? 'read.before-machine' : 'read.after-machine')}
        </Badge>
      </Group>
      <Text size="sm">{say({ en: staging.sentence, zh: staging.sentence_zh })}</Text>
      {findings.stage_override && (
        <Text size="sm">{t('read.overridden', { stage: t(`stage.${staging.stage}`), reason: findings.stage_override.reason })}</Text>
      )}
      <ZoneGrid profusion={(zone) => findings.zones[zone]} cell={(zone) => <Text fw={600} className="number">{findings.zones[zone]}</Text>} />
      <Facts reading={reading} />
      {findings.comment && <Text size="sm" style={{ whiteSpace: 'pre-wrap' }}>{findings.comment}</Text>}
      {findings.seconds_spent !== null && <Text size="xs" c="dimmed">{t('read.time', { time: duration(findings.seconds_spent, language) })}</Text>}
    </Stack>
  )
}

function Facts({ reading: { findings } }: { reading: Reading }) {
  const { t, say, language } = useWords()
  const vocabulary = useVocabulary().data
  const disease = vocabulary?.diseases.find((one) => one.name === findings.disease)
  const grade = vocabulary?.quality_grades.find((one) => one.grade === findings.quality_grade)
  const facts: [string, string][] = [
    [t('read.shape'), [findings.shape?.primary, findings.shape?.secondary].filter(Boolean).join(' / ')],
    [t('read.aggregation'), findings.aggregation ? t('word.yes') : ''],
    [t('read.large'), findings.large.map((one) => `${one.long_mm} × ${one.short_mm} mm`).join('; ')],
    [t('read.pleura'), PLEURAL_SIGNS.filter((sign) => findings.pleura?.[sign]).map((sign) => t(`pleura.${sign}`)).join(', ')],
    [t('read.asbestos'), findings.asbestos ? t('word.yes') : ''],
    [t('read.symbols'), findings.symbols.join(', ')],
    [t('read.quality'), grade ? `${grade.grade} · ${say(grade)}` : ''],
    [t('read.disease'), disease ? (language === 'zh' ? disease.name : disease.en) : ''],
  ]
  const shown = facts.filter(([, value]) => value)
  if (!shown.length) return null
  return (
    <Table verticalSpacing={2} withRowBorders={false}>
      <Table.Tbody>
        {shown.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th w={190} fw={400} c="dimmed">{name}</Table.Th>
            <Table.Td>{value}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
