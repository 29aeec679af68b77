/** What a pointer does on a film: drag with the chosen tool, pinch with two fingers, wheel to zoom. */
import { type PointerEvent, type RefObject, useEffect, useRef, useState } from 'react'

import type { Ruler, Tool } from './layers'
import { moved, placed, type Point, type Size, toFilm, type View, windowed, zoomed } from './view'

export type ChangeView = (change: (view: View) => View) => void

interface Asked {
  box: RefObject<HTMLDivElement | null>
  film: Size | null
  pane: Size
  tool: Tool
  view: View
  onView: ChangeView
  onRuler: (ruler: Ruler) => void
}

const middle = (points: Point[]): Point => ({
  x: points.reduce((sum, point) => sum + point.x, 0) / points.length,
  y: points.reduce((sum, point) => sum + point.y, 0) / points.length,
})

const spread = (points: Point[]) => {
  const [a, b] = points
  return a && b ? Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)) : 1
}

/** Zooms by the wheel where the pointer is; the page must not scroll meanwhile. */
function useWheel(box: Asked['box'], film: Size | null, pane: Size, onView: ChangeView) {
  useEffect(() => {
    const element = box.current
    if (!element || !film) return
    const onWheel = (event: WheelEvent) => {
      event.preventDefault()
      const edge = element.getBoundingClientRect()
      const at = { x: event.clientX - edge.left, y: event.clientY - edge.top }
      const factor = Math.exp(-Math.max(-150, Math.min(150, event.deltaY)) / 500)
      onView((view) => zoomed(view, factor, at, film, pane))
    }
    element.addEventListener('wheel', onWheel, { passive: false })
    return () => element.removeEventListener('wheel', onWheel)
  }, [box, film, pane, onView])
}

function dragged(tool: Tool, view: View, by: Point, at: Point, film: Size, pane: Size): View {
  if (tool === 'pan') return moved(view, by, film, pane)
  if (tool === 'zoom') return zoomed(view, Math.exp(-by.y / 150), at, film, pane)
  if (tool === 'window') return windowed(view, { x: by.x / pane.width, y: -by.y / pane.height })
  return view
}

export function usePointers({ box, film, pane, tool, view, onView, onRuler }: Asked) {
  const down = useRef(new Map<number, Point>())
  // Two fingers never leave the glass at once: the one that stays must not change the window by accident.
  const pinched = useRef(false)
  const [drawing, setDrawing] = useState<Ruler | null>(null)
  const [hover, setHover] = useState<Point | null>(null)
  useWheel(box, film, pane, onView)

  const place = (event: PointerEvent): Point => {
    const edge = event.currentTarget.getBoundingClientRect()
    return { x: event.clientX - edge.left, y: event.clientY - edge.top }
  }
  const onFilm = (at: Point) => toFilm(at, placed(view, film as Size, pane))

  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    if (!film) return
    const at = place(event)
    event.currentTarget.setPointerCapture(event.pointerId)
    down.current.set(event.pointerId, at)
    pinched.current ||= down.current.size > 1
    if (tool === 'ruler' && event.button === 0 && down.current.size === 1) {
      const from = onFilm(at)
      setDrawing({ from, to: from })
    } else setDrawing(null)
  }

  const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
    const at = place(event)
    setHover(at)
    const before = down.current.get(event.pointerId)
    if (!before || !film) return
    const old = [...down.current.values()]
    down.current.set(event.pointerId, at)
    const by = { x: at.x - before.x, y: at.y - before.y }
    if (old.length > 1) {
      const now = [...down.current.values()]
      const from = middle(old)
      const to = middle(now)
      const factor = spread(now) / spread(old)
      onView((seen) => zoomed(moved(seen, { x: to.x - from.x, y: to.y - from.y }, film, pane), factor, to, film, pane))
    } else if (pinched.current) return
    else if (drawing) setDrawing({ from: drawing.from, to: onFilm(at) })
    else {
      const used: Tool = event.buttons & 6 ? 'pan' : tool
      onView((seen) => dragged(used, seen, by, at, film, pane))
    }
  }

  const onPointerUp = (event: PointerEvent<HTMLDivElement>) => {
    down.current.delete(event.pointerId)
    if (down.current.size === 0) pinched.current = false
    if (drawing) {
      // Where the finger was lifted, which the last move that was drawn need not have reached.
      const to = event.type === 'pointerup' ? onFilm(place(event)) : drawing.to
      if (Math.hypot(to.x - drawing.from.x, to.y - drawing.from.y) > 1) onRuler({ from: drawing.from, to })
    }
    setDrawing(null)
  }

  return {
    drawing,
    hover,
    handlers: {
      onPointerDown,
      onPointerMove,
      onPointerUp,
      onPointerCancel: onPointerUp,
      onPointerLeave: () => setHover(null),
      onContextMenu: (event: { preventDefault: () => void }) => event.preventDefault(),
    },
  }
}
