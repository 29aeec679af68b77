/** Outlines, boxes, heat map and rulers over a film, in one SVG that moves with it. */
import type { Polygon } from '../../api/shapes'
import { millimetres } from '../../words/format'
import type { Layers, Overlays, Ruler } from './layers'
import { lengthOf, type Placement, toPane } from './view'

interface Asked {
  place: Placement
  layers: Layers
  overlays: Overlays
  rulers: Ruler[]
  spacing: [number, number] | null
}

const points = (polygon: Polygon) => polygon.map(([x, y]) => `${x},${y}`).join(' ')

export function Overlay({ place, layers, overlays, rulers, spacing }: Asked) {
  const heat = overlays.heats.find((one) => one.task === layers.heat)
  return (
    <svg className="film-overlay" aria-hidden="true">
      <g transform={`translate(${place.left} ${place.top}) scale(${place.scale})`}>
        {heat && (
          <image
            href={heat.url}
            x={heat.box_px[1]}
            y={heat.box_px[0]}
            width={heat.box_px[3] - heat.box_px[1]}
            height={heat.box_px[2] - heat.box_px[0]}
            preserveAspectRatio="none"
            opacity={layers.opacity}
            data-testid="heat"
          />
        )}
        {layers.lungs && overlays.outlines?.lungs.map((lung, i) => <polygon key={i} className="outline-lung" points={points(lung)} />)}
        {layers.zones &&
          Object.entries(overlays.outlines?.zones ?? {}).flatMap(([zone, parts]) =>
            parts.map((part, i) => <polygon key={zone + String(i)} className="outline-zone" points={points(part)} />),
          )}
        {layers.regions && (
          <g opacity={layers.opacity}>
            {overlays.regions
              .filter((region) => layers.heat === null || region.task === layers.heat)
              .map(({ box_px: [top, left, bottom, right] }, i) => (
                <rect key={i} className="outline-region" x={left} y={top} width={right - left} height={bottom - top} />
              ))}
          </g>
        )}
        {rulers.map(({ from, to }, i) => (
          <g key={i}>
            <line className="ruler-under" x1={from.x} y1={from.y} x2={to.x} y2={to.y} />
            <line className="ruler" x1={from.x} y1={from.y} x2={to.x} y2={to.y} />
          </g>
        ))}
      </g>
      {layers.zones && <ZoneNames {...{ place, overlays }} />}
      {rulers.map((ruler, i) => (
        <RulerLength key={i} {...{ ruler, place, spacing }} />
      ))}
    </svg>
  )
}

function ZoneNames({ place, overlays }: Pick<Asked, 'place' | 'overlays'>) {
  return Object.entries(overlays.outlines?.zones ?? {}).map(([zone, parts]) => {
    const corners = parts.flat()
    if (!corners.length) return null
    const xs = corners.map(([x]) => x)
    const at = toPane({ x: (Math.min(...xs) + Math.max(...xs)) / 2, y: Math.min(...corners.map(([, y]) => y)) }, place)
    return (
      <text key={zone} className="zone-name" x={at.x} y={at.y + 16} textAnchor="middle">
        {zone.toUpperCase()}
      </text>
    )
  })
}

function RulerLength({ ruler, place, spacing }: { ruler: Ruler; place: Placement; spacing: Asked['spacing'] }) {
  const { value, unit } = lengthOf(ruler.from, ruler.to, spacing)
  const at = toPane(ruler.to, place)
  return (
    <text className="ruler-length" x={at.x + 8} y={at.y - 8} data-testid="ruler-length">
      {unit === 'mm' ? millimetres(value) : `${Math.round(value)} px`}
    </text>
  )
}
