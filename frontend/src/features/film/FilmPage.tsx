/** One film: the viewer, and beside it one's reading, the machine's answer, the film's facts and its readers. */
import { Alert, Group, Tabs, Text } from '@mantine/core'
import { IconLock } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import { useParams } from 'react-router'

import type { FilmCase } from '../../api/shapes'
import { useCase } from '../../api/useCase'
import { Busy } from '../../parts/Busy'
import { Fault } from '../../parts/Fault'
import { useWords } from '../../words/language'
import { StatusBadge } from '../jobs/StatusBadge'
import { MachinePanel } from '../machine/MachinePanel'
import { useMachine, useOutlines } from '../machine/useMachine'
import { ReadingPanel } from '../reading/ReadingPanel'
import { useReadings } from '../reading/useReadings'
import { type Layers, NO_LAYERS, type Overlays, type Ruler } from '../viewer/layers'
import { Viewer } from '../viewer/Viewer'
import { lengthOf } from '../viewer/view'
import { FilmFacts } from './FilmFacts'
import { JobActions } from './JobActions'
import { LayersMenu } from './LayersMenu'
import { ReadersPanel } from './ReadersPanel'
import { ReportMenu } from './ReportMenu'

import './film.css'

export default function FilmPage() {
  const { id = '' } = useParams()
  const film = useCase(id)
  if (film.error) return <div className="room-page"><Fault error={film.error} onRetry={() => void film.refetch()} /></div>
  if (!film.data) return <Busy />
  // Another film is another page: no form, ruler or layer goes over from one person to the next.
  return <OpenFilm key={film.data.id} film={film.data} />
}

type Tab = 'reading' | 'machine' | 'film' | 'readers'

function OpenFilm({ film }: { film: FilmCase }) {
  const { t } = useWords()
  const machine = useMachine(film)
  const outlines = useOutlines(film)
  const readings = useReadings(film.id)
  const [tab, setTab] = useState<Tab>('reading')
  const [layers, setLayers] = useState<Layers>(NO_LAYERS)
  const [rulers, setRulers] = useState<Ruler[]>([])
  const overlays = useMemo<Overlays>(
    () => ({ outlines: outlines.data ?? null, heats: machine.data?.heats ?? [], regions: machine.data?.assessment.regions ?? [] }),
    [outlines.data, machine.data],
  )
  const measured = film.spacing_mm ? rulers.map((ruler) => lengthOf(ruler.from, ruler.to, film.spacing_mm).value) : []
  const blind = !film.machine_open
  const shown = { id: film.id, name: film.name, date: film.study_date, spacing: film.spacing_mm }
  const earlier = film.earlier.map((one) => ({ id: one.id, name: one.name, date: one.study_date ?? one.received }))
  return (
    <div className="film-page">
      <title>{`${film.name} · konio`}</title>
      <Viewer film={shown} earlier={earlier} layers={layers} onLayers={setLayers} overlays={overlays} rulers={rulers} onRulers={setRulers}>
        <LayersMenu layers={layers} onLayers={setLayers} overlays={overlays} />
      </Viewer>
      <aside className="film-aside" aria-label={t('case.tabs')}>
        <Heading film={film} />
        <Tabs keepMountedMode="display-none" value={tab} onChange={(value) => setTab(value as Tab)} className="film-tabs">
          <Tabs.List>
            <Tabs.Tab value="reading">{t('case.tab-reading')}</Tabs.Tab>
            <Tabs.Tab value="machine" leftSection={blind ? <IconLock size={14} aria-hidden /> : null}>{t('case.tab-machine')}</Tabs.Tab>
            <Tabs.Tab value="film">{t('case.tab-film')}</Tabs.Tab>
            <Tabs.Tab value="readers">{t('case.tab-readers')}</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="reading" className="film-panel">
            {film.refusal ? <Refused film={film} /> : (
              <ReadingPanel id={film.id} blind={blind} measured={measured} onSigned={() => setTab('machine')} />
            )}
          </Tabs.Panel>
          <Tabs.Panel value="machine" className="film-panel">
            {film.refusal ? <Refused film={film} /> : (
              <MachinePanel
                film={film} machine={machine.data} error={machine.error} mine={readings.data?.mine[0]} heat={layers.heat}
                onHeat={(heat) => setLayers({ ...layers, heat })} onReading={() => setTab('reading')}
              />
            )}
          </Tabs.Panel>
          <Tabs.Panel value="film" className="film-panel"><FilmFacts film={film} /></Tabs.Panel>
          <Tabs.Panel value="readers" className="film-panel"><ReadersPanel film={film} /></Tabs.Panel>
        </Tabs>
      </aside>
    </div>
  )
}

function Heading({ film }: { film: FilmCase }) {
  return (
    <Group className="film-heading" justify="space-between" wrap="nowrap">
      <div className="film-title">
        <h1>{film.name}</h1>
        <Text size="xs" c="dimmed" truncate>{[film.patient_name, film.patient_id, film.study_date].filter(Boolean).join(' · ')}</Text>
      </div>
      <Group gap={6} wrap="nowrap" flex="none">
        <StatusBadge id={film.id} status={film.status} progress={film.progress} />
        <JobActions film={film} />
        <ReportMenu film={film} />
      </Group>
    </Group>
  )
}

function Refused({ film: { refusal } }: { film: FilmCase }) {
  const { t, say } = useWords()
  if (!refusal) return null
  return (
    <Alert color="orange" title={t('case.refused')}>
      {say({ en: refusal.reason, zh: refusal.reason_zh })} <Text span size="xs" className="mono">{refusal.code}</Text>
    </Alert>
  )
}
