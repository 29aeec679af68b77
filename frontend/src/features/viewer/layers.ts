/** What can be laid over a film. */
import type { Heat, Outlines, Region } from '../../api/shapes'
import type { Point } from './view'

export interface Layers {
  zones: boolean
  lungs: boolean
  regions: boolean
  /** The question whose heat map is shown, or null. */
  heat: string | null
  /** Of heat map and boxes, 0..1. */
  opacity: number
}

export const NO_LAYERS: Layers = { zones: false, lungs: false, regions: false, heat: null, opacity: 0.6 }

/** Everything there is to lay over one film; null or empty where it is not known or not open to the reader. */
export interface Overlays {
  outlines: Outlines | null
  heats: Heat[]
  regions: Region[]
}

/** A distance a reader has measured, in pixels of the film. */
export interface Ruler {
  from: Point
  to: Point
}

export type Tool = 'window' | 'pan' | 'zoom' | 'ruler' | 'lens'
