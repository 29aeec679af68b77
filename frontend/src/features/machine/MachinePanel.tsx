import { Alert, Badge, Button, Group, List, SimpleGrid, Stack, Table, Text, Title } from '@mantine/core'
import { IconLock } from '@tabler/icons-react'

import { useVocabulary } from '../../api/session'
import type { FilmCase, Machine, Reading, TaskWords } from '../../api/shapes'
import { Busy } from '../../parts/Busy'
import { Fault } from '../../parts/Fault'
import { StageBadge } from '../../parts/StageBadge'
import { likelihood, percent } from '../../words/format'
import { useWords } from '../../words/language'
import { Answer } from './Answer'
import { Zones } from './Zones'

import './machine.css'

interface Asked {
  film: FilmCase
  machine: Machine | undefined
  error: unknown
  mine: Reading | undefined
  heat: string | null
  onHeat: (task: string | null) => void
  onReading: () => void
}

export function MachinePanel({ film, machine, error, mine, heat, onHeat, onReading }: Asked) {
  const { t } = useWords()
  const tasks = useVocabulary().data?.tasks
  if (!film.machine_open) return <Closed onReading={onReading} />
  if (error) return <Fault error={error} />
  if (film.status !== 'done') return <Text size="sm" c="dimmed">{t('machine.waiting')}</Text>
  if (!machine || !tasks) return <Busy />
  const heats = new Set(machine.heats.map((one) => one.task))
  const shown = { heats, heat, onHeat }
  return (
    <Stack gap="md" data-testid="machine">
      <Verdicts machine={machine} tasks={tasks} />
      <Conclusions machine={machine} tasks={tasks} />
      <Text size="xs" c="dimmed">{t('layer.caution')}</Text>
      {machine.assessment.zones && <Zones machine={machine} mine={mine} {...shown} />}
      <section>
        <Title order={2} size="h5" mb={4}>{t('machine.details')}</Title>
        {tasks.filter((task) => task.zone === null).map((task) => {
          const answer = machine.assessment.tasks[task.name]
          return answer ? <Answer key={task.name} task={task} answer={answer} inLungs={machine.in_lungs[task.name] ?? null} {...shown} /> : null
        })}
      </section>
      <Rule machine={machine} />
      <Withheld machine={machine} tasks={tasks} />
      <Regions machine={machine} tasks={tasks} />
      <Provenance machine={machine} />
    </Stack>
  )
}

function Closed({ onReading }: { onReading: () => void }) {
  const { t } = useWords()
  return (
    <Alert icon={<IconLock />} title={t('machine.closed')} color="gray" data-testid="machine-closed">
      <Text size="sm">{t('machine.closed-why')}</Text>
      <Button mt="sm" size="xs" onClick={onReading}>{t('machine.go-reading')}</Button>
    </Alert>
  )
}

/** What must be read before the stage. */
function Verdicts({ machine, tasks }: { machine: Machine; tasks: TaskWords[] }) {
  const { t, language } = useWords()
  const words = useTaskWords(tasks)
  const { assessment } = machine
  const { differential, stage } = assessment.tasks
  const found = []
  if ((assessment.rule || stage) && differential && differential.prediction !== 'dust')
    found.push(<Alert key="condition" color="yellow" p="xs">{t('machine.condition')}</Alert>)
  if (machine.outside_lungs.length) {
    const named = machine.outside_lungs.map((task) => t('machine.inside', { question: words(task), share: percent(machine.in_lungs[task] ?? 0) }))
    found.push(
      <Alert key="outside" color="yellow" p="xs" data-testid="outside-lungs">
        {t('machine.outside-lungs', { questions: named.join(language === 'zh' ? '、' : ', ') })}
      </Alert>,
    )
  }
  if (assessment.rule && stage) {
    const agree = assessment.rule.stage === stage.prediction
    found.push(<Alert key="agree" color={agree ? 'teal' : 'yellow'} p="xs">{t(agree ? 'machine.agree' : 'machine.disagree')}</Alert>)
  }
  return found.length ? <Stack gap={6}>{found}</Stack> : null
}

function Conclusions({ machine, tasks }: { machine: Machine; tasks: TaskWords[] }) {
  const { t, say } = useWords()
  const { tasks: answers, rule } = machine.assessment
  const differential = answers['differential']
  const stage = answers['stage']
  const words = (task: string, name: string) => {
    const found = tasks.find((one) => one.name === task)?.classes.find((one) => one.name === name)
    return found ? say(found) : name
  }
  const why = (task: string) => say({ en: machine.assessment.withheld[task] ?? '', zh: machine.withheld_zh[task] ?? '' })
  return (
    <SimpleGrid cols={{ base: 1, xs: rule ? 3 : 2 }} spacing="xs">
      <Tile title={t('machine.differential')} under={differential ? likelihood(differential.probabilities[differential.prediction] ?? 0) : why('differential')}>
        {differential ? words('differential', differential.prediction) : t('machine.not-answered')}
      </Tile>
      <Tile title={t('machine.stage')} under={stage ? likelihood(stage.probabilities[stage.prediction] ?? 0) : why('stage')}>
        {stage ? words('stage', stage.prediction) : t('machine.not-answered')}
      </Tile>
      {rule && (
        <Tile
          title={t('machine.by-rule')}
          under={`${t('machine.clause', { clause: rule.clause })} · ${t(rule.by_interpretation ? 'machine.interpretation' : 'machine.literal')}`}
        >
          {t(`stage.${rule.stage}`)}
        </Tile>
      )}
    </SimpleGrid>
  )
}

function Tile({ title, under, children }: { title: string; under: string; children: string }) {
  return (
    <div className="machine-tile">
      <Text size="xs" c="dimmed">{title}</Text>
      <Text fw={650} size="sm">{children}</Text>
      <Text size="xs">{under}</Text>
    </div>
  )
}

function Rule({ machine: { assessment: { rule } } }: { machine: Machine }) {
  const { t, say } = useWords()
  if (!rule) return null
  return (
    <section>
      <Group gap="xs" mb={4}>
        <Title order={2} size="h5">{t('machine.by-rule')}</Title>
        <StageBadge stage={rule.stage} />
      </Group>
      <Text size="sm">{say({ en: rule.sentence, zh: rule.sentence_zh })}</Text>
      {rule.assumed?.map(([en, zh]) => <Text key={en} size="sm" c="dimmed">{say({ en, zh })}</Text>)}
      {(rule.one_change_away?.length ?? 0) > 0 && (
        <details className="machine-more">
          <summary>{t('machine.one-change')}</summary>
          <List size="sm">{rule.one_change_away?.map((change) => <List.Item key={change.en}>{say(change)}</List.Item>)}</List>
        </details>
      )}
      <Text size="xs" c="dimmed" mt={4}>{t('machine.history')}</Text>
    </section>
  )
}

function useTaskWords(tasks: TaskWords[]) {
  const { say } = useWords()
  return (name: string) => {
    const task = tasks.find((one) => one.name === name)
    return task ? say(task) : name.replaceAll('_', ' ')
  }
}

function Withheld({ machine, tasks }: { machine: Machine; tasks: TaskWords[] }) {
  const { t, say } = useWords()
  const words = useTaskWords(tasks)
  const withheld = Object.entries(machine.assessment.withheld)
  if (!withheld.length) return null
  return (
    <details className="machine-more">
      <summary>{t('machine.withheld')}</summary>
      <List size="sm">
        {withheld.map(([task, en]) => (
          <List.Item key={task}><b>{words(task)}</b>: {say({ en, zh: machine.withheld_zh[task] ?? en })}</List.Item>
        ))}
      </List>
    </details>
  )
}

function Regions({ machine, tasks }: { machine: Machine; tasks: TaskWords[] }) {
  const { t, say } = useWords()
  const words = useTaskWords(tasks)
  const zones = useVocabulary().data?.zones ?? []
  const { regions } = machine.assessment
  if (!regions.length) return null
  return (
    <details className="machine-more">
      <summary>{t('machine.regions')} <Badge size="xs" variant="default">{regions.length}</Badge></summary>
      <Table verticalSpacing={2}>
        <Table.Tbody>
          {regions.map((region, i) => {
            const zone = zones.find((one) => one.name === region.zone)
            return (
              <Table.Tr key={i}>
                <Table.Td>{words(region.task)}</Table.Td>
                <Table.Td>{zone ? say(zone) : t('machine.outside')}</Table.Td>
                <Table.Td className="number">{t('machine.region-share', { share: percent(region.share) })}</Table.Td>
              </Table.Tr>
            )
          })}
        </Table.Tbody>
      </Table>
    </details>
  )
}

function Provenance({ machine: { assessment: { model } } }: { machine: Machine }) {
  const { t } = useWords()
  return (
    <footer>
      <Text size="xs">{t('machine.no-claim')}</Text>
      <Text size="xs" c="dimmed">{t('machine.model')}: {model.name} · konio {model.konio_version} · {model.precision}</Text>
      <Text size="xs" c="dimmed" className="mono">{t('machine.weights')}: {model.weights_sha256}</Text>
    </footer>
  )
}
