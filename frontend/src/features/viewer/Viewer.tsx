/** The film, alone or beside an earlier one, with its tools. Layers and rulers belong to the page around it. */
import { ActionIcon, Checkbox, Menu, Tooltip } from '@mantine/core'
import { IconLayoutColumns } from '@tabler/icons-react'
import { type ReactNode, useCallback, useMemo, useState } from 'react'

import { useCase } from '../../api/useCase'
import { useWords } from '../../words/language'
import { day } from '../../words/format'
import { screenRatio } from './Canvas'
import { KeysHelp } from './KeysHelp'
import { type Layers, NO_LAYERS, type Overlays, type Ruler, type Tool } from './layers'
import { Pane } from './Pane'
import { Toolbar } from './Toolbar'
import { useFilm } from './useFilm'
import { useKeys } from './useKeys'
import { AS_STORED, moved, oneToOne, type Size, type View, windowed, zoomed } from './view'

import './viewer.css'

export interface FilmNamed {
  id: string
  name: string
  date: string | null
}

export interface FilmShown extends FilmNamed {
  spacing: [number, number] | null
}

interface Asked {
  film: FilmShown
  earlier: FilmNamed[]
  layers: Layers
  onLayers: (layers: Layers) => void
  overlays: Overlays
  rulers: Ruler[]
  onRulers: (rulers: Ruler[]) => void
  /** Beside the tools: the control of the layers. */
  children?: ReactNode
}

const NOTHING: Overlays = { outlines: null, heats: [], regions: [] }
// Keys act on the film in parts of itself, so any pane will do to reckon with.
const KEY_PANE: Size = { width: 1000, height: 1000 }

function useViews(linked: boolean, size: Size) {
  const [views, setViews] = useState<[View, View]>([AS_STORED, AS_STORED])
  const change = useCallback(
    (which: 0 | 1, how: (view: View) => View) =>
      setViews(([first, second]) => {
        const next = how(which === 0 ? first : second)
        if (linked) return [next, next]
        return which === 0 ? [next, second] : [first, next]
      }),
    [linked],
  )
  const onFirst = useCallback((how: (view: View) => View) => change(0, how), [change])
  const onSecond = useCallback((how: (view: View) => View) => change(1, how), [change])
  const center = { x: KEY_PANE.width / 2, y: KEY_PANE.height / 2 }
  return {
    views, onFirst, onSecond,
    zoom: (factor: number) => onFirst((view) => zoomed(view, factor, center, size, KEY_PANE)),
    move: (x: number, y: number) => onFirst((view) => moved(view, { x, y }, size, KEY_PANE)),
    shade: (x: number, y: number) => onFirst((view) => windowed(view, { x, y })),
  }
}

export function Viewer({ film, earlier, layers, onLayers, overlays, rulers, onRulers, children }: Asked) {
  const { t, fault } = useWords()
  const [tool, setTool] = useState<Tool>('window')
  const [beside, setBeside] = useState<FilmNamed | null>(null)
  const [linked, setLinked] = useState(true)
  const [help, setHelp] = useState(false)
  const present = useFilm(film.id)
  const past = useFilm(beside?.id ?? null)
  const pastFacts = useCase(beside?.id)
  const size = useMemo(() => ({ width: present.data?.columns ?? 1000, height: present.data?.rows ?? 1000 }), [present.data])
  const { views, onFirst, onSecond, zoom, move, shade } = useViews(linked, size)

  const compare = (other: FilmNamed | null) => {
    setBeside(other)
    onFirst((view) => view) // where both move together, the other begins where this one is
  }
  const acts = {
    zoom,
    fit: () => onFirst((view) => ({ ...view, zoom: 1, x: 0.5, y: 0.5 })),
    oneToOne: () => {
      const pane = document.querySelector('.film-pane')?.getBoundingClientRect()
      if (pane) onFirst((view) => oneToOne(view, size, pane, screenRatio()))
    },
    invert: () => onFirst((view) => ({ ...view, inverted: !view.inverted })),
    reset: () => onFirst(() => AS_STORED),
    clearRulers: () => onRulers([]),
    showKeys: () => setHelp(true),
  }
  const arrow = (x: number, y: number) => (shift: boolean) => (shift ? shade(x / 20, -y / 20) : move(-60 * x, -60 * y))
  useKeys({
    w: () => setTool('window'), p: () => setTool('pan'), z: () => setTool('zoom'), r: () => setTool('ruler'), m: () => setTool('lens'),
    '+': () => zoom(1.25), '=': () => zoom(1.25), '-': () => zoom(0.8), '0': acts.fit, '1': acts.oneToOne, i: acts.invert,
    s: acts.reset, x: acts.clearRulers, '?': acts.showKeys,
    o: () => onLayers({ ...layers, zones: !layers.zones }),
    l: () => onLayers({ ...layers, lungs: !layers.lungs }),
    b: () => onLayers({ ...layers, regions: !layers.regions }),
    ArrowLeft: arrow(-1, 0), ArrowRight: arrow(1, 0), ArrowUp: arrow(0, -1), ArrowDown: arrow(0, 1),
  })

  const preview = (id: string) => `/api/cases/${encodeURIComponent(id)}/film.png?size=preview`
  return (
    <section className="viewer" aria-label={t('view.region')}>
      <Toolbar tool={tool} onTool={setTool} inverted={views[0].inverted} rulers={rulers.length} acts={acts}>
        <Compare films={earlier} beside={beside} onBeside={compare} />
        {beside && <Checkbox size="xs" checked={linked} onChange={(event) => setLinked(event.currentTarget.checked)} label={t('view.linked')} />}
        {children}
      </Toolbar>
      <div className="film-panes">
        <Pane
          label={t('view.film')} film={present.data} previewUrl={preview(film.id)} failed={present.error ? fault(present.error) : null}
          view={views[0]} onView={onFirst} tool={tool} layers={layers} overlays={overlays} rulers={rulers}
          onRuler={(ruler) => onRulers([...rulers, ruler])} spacing={film.spacing}
          caption={beside ? `${t('view.present')} · ${day(film.date)}` : null}
        />
        {beside && (
          <Pane
            key={beside.id} label={t('view.earlier')} film={past.data} previewUrl={preview(beside.id)}
            failed={past.error ? fault(past.error) : null} view={views[1]} onView={onSecond} tool={tool === 'ruler' ? 'pan' : tool}
            layers={NO_LAYERS} overlays={NOTHING} rulers={[]} onRuler={() => undefined} spacing={pastFacts.data?.spacing_mm ?? null}
            caption={`${t('view.earlier')} · ${day(beside.date)}`}
          />
        )}
      </div>
      <KeysHelp opened={help} onClose={() => setHelp(false)} />
    </section>
  )
}

function Compare({ films, beside, onBeside }: { films: FilmNamed[]; beside: FilmNamed | null; onBeside: (film: FilmNamed | null) => void }) {
  const { t } = useWords()
  return (
    <Menu withinPortal position="bottom-start">
      <Menu.Target>
        <Tooltip position="bottom" label={films.length ? t('view.compare') : t('view.compare-none')}>
          <ActionIcon size="lg" variant={beside ? 'filled' : 'subtle'} aria-label={t('view.compare')} disabled={!films.length}>
            <IconLayoutColumns size={20} />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        {films.map((film) => (
          <Menu.Item key={film.id} onClick={() => onBeside(film)}>{`${day(film.date)} · ${film.name}`}</Menu.Item>
        ))}
        {beside && <Menu.Item onClick={() => onBeside(null)}>{t('view.compare-end')}</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  )
}
