import type { Agreement } from '../../api/shapes'
import { withInterval } from '../../words/format'
import { useWords } from '../../words/language'

const WIDTH = 220
const HEIGHT = 54
const EDGE = 6
/** Room for the numbers of the scale, and of the first and last point. */
const AXIS = 12

/** kappa of -0.2..1 as a height in the small picture. */
const heightOf = (kappa: number) => EDGE + (HEIGHT - 2 * EDGE) * (1 - (Math.max(-0.2, kappa) + 0.2) / 1.2)

/** kappa by month with its interval, small enough for a line of the table. */
export function Drift({ name, drift }: { name: string; drift: Agreement['readers'][number]['drift'] }) {
  const { t } = useWords()
  const known = drift.filter((month) => month.kappa !== null)
  if (!known.length) return <>–</>
  const at = (i: number) => (known.length === 1 ? WIDTH / 2 : 2 * AXIS + (i * (WIDTH - 3 * AXIS)) / (known.length - 1))
  const said = known.map((month) => `${month.month}: ${withInterval(month.kappa, month.low, month.high)}`).join('; ')
  return (
    <svg width={WIDTH} height={HEIGHT} role="img" aria-label={`${t('agree.drift-of', { name })}: ${said}`} className="drift">
      {[0, 0.5, 1].map((level) => <line key={level} className="drift-grid" x1={AXIS} x2={WIDTH} y1={heightOf(level)} y2={heightOf(level)} />)}
      {[0, 1].map((level) => <text key={level} className="drift-level" x={0} y={heightOf(level) + 4}>{level}</text>)}
      {known.map((month, i) =>
        month.low !== null && month.high !== null ? (
          <line key={month.month} className="drift-interval" x1={at(i)} x2={at(i)} y1={heightOf(month.low)} y2={heightOf(month.high)} />
        ) : null,
      )}
      <polyline className="drift-line" points={known.map((month, i) => `${at(i)},${heightOf(month.kappa ?? 0)}`).join(' ')} />
      {known.map((month, i) => (
        <circle key={month.month} className="drift-point" cx={at(i)} cy={heightOf(month.kappa ?? 0)} r={3}>
          <title>{`${month.month}: ${withInterval(month.kappa, month.low, month.high)} (${month.cases})`}</title>
        </circle>
      ))}
    </svg>
  )
}
