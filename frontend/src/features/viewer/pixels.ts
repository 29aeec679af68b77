/** A film as 16-bit grey values, with smaller copies of itself for looking at it from afar. */

export interface Level {
  /** Grey values 0..65535, bright bone, row by row. */
  grey: Uint16Array
  rows: number
  columns: number
  /** Film pixels per pixel of this level along one side: 1, 2, 4 ... */
  step: number
}

export interface Film {
  rows: number
  columns: number
  levels: Level[]
}

/** Below this longest side a smaller copy brings nothing. */
const SMALLEST_SIDE = 512

/** Half the size, each pixel the mean of four; an odd last row or column is repeated. */
export function halved(level: Level): Level {
  const rows = (level.rows + 1) >> 1
  const columns = (level.columns + 1) >> 1
  const grey = new Uint16Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    const upper = 2 * row * level.columns
    const lower = Math.min(2 * row + 1, level.rows - 1) * level.columns
    for (let column = 0; column < columns; column++) {
      const left = 2 * column
      const right = Math.min(left + 1, level.columns - 1)
      const sum =
        (level.grey[upper + left] ?? 0) + (level.grey[upper + right] ?? 0) +
        (level.grey[lower + left] ?? 0) + (level.grey[lower + right] ?? 0)
      grey[row * columns + column] = (sum + 2) >> 2
    }
  }
  return { grey, rows, columns, step: 2 * level.step }
}

/** Whether every pixel of the film is there, and not only a smaller copy. */
export const isWhole = (film: Film) => film.levels[0]?.step === 1

/**
 * A film out of the bytes of the server (little-endian 16-bit grey, row by row).
 *
 * @param step film pixels for each pixel that came, along a side; more than 1 for a smaller copy of the film.
 * @throws RangeError where the number of bytes does not fit the size of the film.
 */
export function filmOf(bytes: ArrayBuffer, rows: number, columns: number, step = 1): Film {
  const [high, wide] = [Math.ceil(rows / step), Math.ceil(columns / step)]
  if (!(rows > 0 && columns > 0 && step >= 1) || bytes.byteLength !== 2 * high * wide)
    throw new RangeError(`${bytes.byteLength} bytes are no film of ${columns} x ${rows} pixels, one in ${step}`)
  let level: Level = { grey: new Uint16Array(bytes), rows: high, columns: wide, step }
  const levels = [level]
  while (Math.max(level.rows, level.columns) > SMALLEST_SIDE) {
    level = halved(level)
    levels.push(level)
  }
  return { rows, columns, levels }
}
