/** One film in its frame: picture, overlays, sides, scale and read-out. */
import { Text } from '@mantine/core'
import { useElementSize, useMergedRef } from '@mantine/hooks'
import { useMemo, useRef } from 'react'

import { useWords } from '../../words/language'
import { Lens, Picture } from './Canvas'
import type { Layers, Overlays, Ruler, Tool } from './layers'
import { Overlay } from './Overlay'
import { type Film, isWhole } from './pixels'
import { type ChangeView, usePointers } from './usePointers'
import { placed, type View } from './view'

export interface PaneProps {
  label: string
  film: Film | undefined
  previewUrl: string
  failed: string | null
  view: View
  onView: ChangeView
  tool: Tool
  layers: Layers
  overlays: Overlays
  rulers: Ruler[]
  onRuler: (ruler: Ruler) => void
  spacing: [number, number] | null
  caption: string | null
}

export function Pane(props: PaneProps) {
  const { film, view, tool, layers, overlays, rulers, spacing } = props
  const { t } = useWords()
  const { ref: measure, width, height } = useElementSize<HTMLDivElement>()
  const box = useRef<HTMLDivElement>(null)
  const frame = useMergedRef(measure, box)
  const size = useMemo(() => ({ width, height }), [width, height])
  const pixels = useMemo(() => (film ? { width: film.columns, height: film.rows } : null), [film])
  const { drawing, hover, handlers } = usePointers({
    box, film: pixels, pane: size, tool, view, onView: props.onView, onRuler: props.onRuler,
  })
  const ready = film && pixels && width > 0 && height > 0
  return (
    <div ref={frame} className={`film-pane tool-${tool}`} role="img" aria-label={props.label} {...handlers}>
      {!film && !props.failed && <img className="film-preview" src={props.previewUrl} alt="" />}
      {ready && (
        <>
          <Picture film={film} view={view} size={size} />
          <Overlay
            place={placed(view, pixels, size)}
            rulers={drawing ? [...rulers, drawing] : rulers}
            {...{ layers, overlays, spacing }}
          />
          {tool === 'lens' && hover && <Lens film={film} view={view} size={size} at={hover} />}
          <ScaleBar pixelsPerMm={spacing ? placed(view, pixels, size).scale / spacing[1] : null} />
        </>
      )}
      <span className="film-side film-side-right">{t('view.right')}</span>
      <span className="film-side film-side-left">{t('view.left')}</span>
      {props.caption && <span className="film-caption">{props.caption}</span>}
      <span className="film-readout">
        {t('view.readout', {
          width: Math.round(100 * view.width),
          center: Math.round(100 * view.center),
          zoom: pixels && width ? Math.round(100 * placed(view, pixels, size).scale) : '–',
        })}
        {!spacing && film ? ` · ${t('view.no-spacing')}` : ''}
        {film && !isWhole(film) ? ` · ${t('view.coarse')}` : ''}
      </span>
      {(props.failed ?? (film ? null : t('view.loading'))) && (
        <Text className="film-message" role="status">
          {props.failed ?? t('view.loading')}
        </Text>
      )}
    </div>
  )
}

/** A bar of 1, 2, 5, 10 ... mm, as long as fits below a sixth of the pane. */
function ScaleBar({ pixelsPerMm }: { pixelsPerMm: number | null }) {
  if (!pixelsPerMm) return null
  const length = [200, 100, 50, 20, 10, 5, 2, 1].find((mm) => mm * pixelsPerMm < 140) ?? 1
  return (
    <span className="film-scale" style={{ width: length * pixelsPerMm }}>
      {length >= 10 ? `${length / 10} cm` : `${length} mm`}
    </span>
  )
}
