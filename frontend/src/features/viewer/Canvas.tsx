/** The grey picture itself: painted anew when the film, the view or the size changes. */
import { useEffect, useMemo, useRef } from 'react'

import { paint, toneTable } from './paint'
import { type Film, isWhole } from './pixels'
import { type Placement, placed, type Point, type Size, toFilm, type View } from './view'

/** Screen pixels for each pixel of the page; more than two cost time and show nothing. */
export function screenRatio(): number {
  return Math.min(2, window.devicePixelRatio || 1)
}

function draw(canvas: HTMLCanvasElement, film: Film, place: Placement, table: Uint32Array, size: Size, ratio: number) {
  const width = Math.max(1, Math.round(size.width * ratio))
  const height = Math.max(1, Math.round(size.height * ratio))
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height })
  const context = canvas.getContext('2d')
  if (!context) return
  const picture = context.createImageData(width, height)
  const dense = { scale: place.scale * ratio, left: place.left * ratio, top: place.top * ratio }
  paint(film, dense, table, new Uint32Array(picture.data.buffer), width, height)
  context.putImageData(picture, 0, 0)
}

function usePainted(film: Film | undefined, place: Placement, view: View, size: Size) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const { center, width, inverted } = view
  const table = useMemo(() => toneTable({ center, width, inverted }), [center, width, inverted])
  const { scale, left, top } = place
  useEffect(() => {
    if (!film || !canvas.current) return
    const target = canvas.current
    const frame = requestAnimationFrame(() => draw(target, film, { scale, left, top }, table, size, screenRatio()))
    return () => cancelAnimationFrame(frame)
  }, [film, table, scale, left, top, size])
  return canvas
}

interface Asked {
  film: Film
  view: View
  size: Size
}

export function Picture({ film, view, size }: Asked) {
  const canvas = usePainted(film, placed(view, { width: film.columns, height: film.rows }, size), view, size)
  return <canvas ref={canvas} className="film-canvas" data-testid="film" data-whole={isWhole(film)} />
}

const LENS: Size = { width: 240, height: 240 }
const MAGNIFIED = 2.5

/** A round part of the film, nearer, beside nothing else: the point under the pointer is its middle. */
export function Lens({ film, view, size, at }: Asked & { at: Point }) {
  const around = placed(view, { width: film.columns, height: film.rows }, size)
  const point = toFilm(at, around)
  const scale = around.scale * MAGNIFIED
  const place = { scale, left: LENS.width / 2 - point.x * scale, top: LENS.height / 2 - point.y * scale }
  const canvas = usePainted(film, place, view, LENS)
  return (
    <canvas
      ref={canvas}
      className="film-lens"
      style={{ left: at.x - LENS.width / 2, top: at.y - LENS.height / 2, ...LENS }}
      data-testid="lens"
    />
  )
}
