/** How a film is looked at: where, how near, with which window. Independent of the size of screen and film. */

export interface View {
  /** 1 shows the whole film. */
  zoom: number
  /** The point of the film in the middle of the pane, 0..1 from the left and from the top. */
  x: number
  y: number
  /** Window in parts of the whole grey range. */
  center: number
  width: number
  inverted: boolean
}

export interface Size {
  width: number
  height: number
}

export interface Point {
  x: number
  y: number
}

/** Where the film lies in the pane: pane = offset + scale * film. */
export interface Placement {
  scale: number
  left: number
  top: number
}

export const AS_STORED: View = { zoom: 1, x: 0.5, y: 0.5, center: 0.5, width: 1, inverted: false }

export const NEAREST = 40
export const FARTHEST = 0.5
const NARROWEST = 0.02

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value))

/** Pane pixels per film pixel at which the whole film is seen. */
export function fitScale(film: Size, pane: Size): number {
  return Math.min(pane.width / film.width, pane.height / film.height)
}

export function placed(view: View, film: Size, pane: Size): Placement {
  const scale = fitScale(film, pane) * view.zoom
  return {
    scale,
    left: pane.width / 2 - view.x * film.width * scale,
    top: pane.height / 2 - view.y * film.height * scale,
  }
}

export function toFilm(at: Point, place: Placement): Point {
  return { x: (at.x - place.left) / place.scale, y: (at.y - place.top) / place.scale }
}

export function toPane(at: Point, place: Placement): Point {
  return { x: at.x * place.scale + place.left, y: at.y * place.scale + place.top }
}

/** Moves the film by a distance in pane pixels. */
export function moved(view: View, by: Point, film: Size, pane: Size): View {
  const { scale } = placed(view, film, pane)
  return {
    ...view,
    x: clamp(view.x - by.x / (scale * film.width), 0, 1),
    y: clamp(view.y - by.y / (scale * film.height), 0, 1),
  }
}

/** Nearer or farther; the point of the film under `at` (pane pixels) stays there. */
export function zoomed(view: View, factor: number, at: Point, film: Size, pane: Size): View {
  const under = toFilm(at, placed(view, film, pane))
  const zoom = clamp(view.zoom * factor, FARTHEST, NEAREST)
  const scale = fitScale(film, pane) * zoom
  return {
    ...view,
    zoom,
    x: clamp((under.x - (at.x - pane.width / 2) / scale) / film.width, 0, 1),
    y: clamp((under.y - (at.y - pane.height / 2) / scale) / film.height, 0, 1),
  }
}

/** One film pixel on one pixel of the screen. `ratio`: screen pixels per pane pixel. */
export function oneToOne(view: View, film: Size, pane: Size, ratio: number): View {
  return { ...view, zoom: clamp(1 / ratio / fitScale(film, pane), FARTHEST, NEAREST) }
}

/** Sideways changes the width (contrast), up and down the centre (brightness); in parts of the grey range. */
export function windowed(view: View, by: Point): View {
  return {
    ...view,
    width: clamp(view.width + by.x, NARROWEST, 2),
    center: clamp(view.center + by.y, 0, 1),
  }
}

/** Length between two points of the film, in mm where the spacing (row, column) is known. */
export function lengthOf(from: Point, to: Point, spacing: [number, number] | null): { value: number; unit: 'mm' | 'px' } {
  const [row, column] = spacing ?? [1, 1]
  return { value: Math.hypot((to.x - from.x) * column, (to.y - from.y) * row), unit: spacing ? 'mm' : 'px' }
}
