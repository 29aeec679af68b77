/**
 * Draws a film into the pixels of a pane, on the processor: a pane has about a million pixels, and a table look-up with
 * four neighbours each takes some milliseconds. This needs no graphics card, keeps all 16 bits up to the window, and
 * gives the same picture on every machine (docs/decisions/0034-own-viewer.md).
 */
import type { Film, Level } from './pixels'
import type { Placement, View } from './view'

const OPAQUE = 0xff000000
const GREYS = 65536

/** The window as a table from grey value to a pixel of a canvas. Nothing is sharpened or smoothed (GBZ 70-2015 F.3.3). */
export function toneTable(view: Pick<View, 'center' | 'width' | 'inverted'>): Uint32Array {
  const table = new Uint32Array(GREYS)
  const low = view.center - view.width / 2
  for (let value = 0; value < GREYS; value++) {
    const part = Math.min(1, Math.max(0, (value / (GREYS - 1) - low) / view.width))
    const grey = Math.round(255 * (view.inverted ? 1 - part : part))
    table[value] = (OPAQUE | (grey << 16) | (grey << 8) | grey) >>> 0
  }
  return table
}

/** The coarsest copy of the film that still has a pixel for each pixel of the pane. */
export function levelFor(film: Film, scale: number): Level {
  let chosen = film.levels[0] as Level
  for (const level of film.levels) if (level.step * scale <= 1) chosen = level
  return chosen
}

interface Axis {
  /** Index of the nearer neighbour before and after each pane pixel; -1 outside the film. */
  before: Int32Array
  after: Int32Array
  /** Weight of the one after, 0..256. */
  weight: Int32Array
}

function axis(length: number, offset: number, scale: number, count: number): Axis {
  const before = new Int32Array(length).fill(-1)
  const after = new Int32Array(length)
  const weight = new Int32Array(length)
  for (let i = 0; i < length; i++) {
    const at = (i + 0.5 - offset) / scale - 0.5
    if (at < -0.5 || at > count - 0.5) continue
    const whole = Math.floor(at)
    before[i] = Math.max(0, whole)
    after[i] = Math.min(count - 1, whole + 1)
    weight[i] = Math.round(256 * (at - whole))
  }
  return { before, after, weight }
}

/**
 * Fills `out` (width x height canvas pixels); transparent outside the film.
 *
 * @param place where the film lies, in the pixels of `out`.
 */
export function paint(film: Film, place: Placement, table: Uint32Array, out: Uint32Array, width: number, height: number): void {
  const level = levelFor(film, place.scale)
  const scale = place.scale * level.step
  const across = axis(width, place.left, scale, level.columns)
  const down = axis(height, place.top, scale, level.rows)
  const { before, after, weight } = across
  const grey = level.grey
  for (let row = 0; row < height; row++) {
    const line = row * width
    const first = down.before[row] as number
    if (first < 0) {
      out.fill(0, line, line + width)
      continue
    }
    const upper = first * level.columns
    const lower = (down.after[row] as number) * level.columns
    const part = down.weight[row] as number
    for (let column = 0; column < width; column++) {
      const left = before[column] as number
      if (left < 0) {
        out[line + column] = 0
        continue
      }
      const right = after[column] as number
      const side = weight[column] as number
      const above = (grey[upper + left] as number) * (256 - side) + (grey[upper + right] as number) * side
      const below = (grey[lower + left] as number) * (256 - side) + (grey[lower + right] as number) * side
      out[line + column] = table[(above * (256 - part) + below * part) / GREYS | 0] as number
    }
  }
}
