import { describe, expect, it } from 'vitest'

import { levelFor, paint, toneTable } from './paint'
import { filmOf, halved, isWhole, type Level } from './pixels'
import { AS_STORED, fitScale, lengthOf, moved, oneToOne, placed, toFilm, toPane, type View, windowed, zoomed } from './view'

const film = { width: 3000, height: 2400 }
const pane = { width: 800, height: 700 }
const near: View = { ...AS_STORED, zoom: 3.7, x: 0.31, y: 0.62 }

describe('the view', () => {
  it('shows the whole film, in the middle, to begin with', () => {
    const place = placed(AS_STORED, film, pane)
    expect(toPane({ x: 1500, y: 1200 }, place)).toEqual({ x: 400, y: 350 })
    expect(3000 * place.scale).toBeLessThanOrEqual(800 + 1e-9)
    expect(2400 * place.scale).toBeLessThanOrEqual(700 + 1e-9)
  })

  it('goes from pane to film and back', () => {
    const place = placed(near, film, pane)
    const back = toPane(toFilm({ x: 123, y: 456 }, place), place)
    expect(back.x).toBeCloseTo(123)
    expect(back.y).toBeCloseTo(456)
  })

  it('keeps the point under the pointer when it zooms', () => {
    const at = { x: 250, y: 510 }
    const before = toFilm(at, placed(near, film, pane))
    const after = toFilm(at, placed(zoomed(near, 1.3, at, film, pane), film, pane))
    expect(after.x).toBeCloseTo(before.x)
    expect(after.y).toBeCloseTo(before.y)
  })

  it('moves the film by as much as the pointer went', () => {
    const before = toFilm({ x: 400, y: 350 }, placed(near, film, pane))
    const after = toFilm({ x: 430, y: 340 }, placed(moved(near, { x: 30, y: -10 }, film, pane), film, pane))
    expect(after.x).toBeCloseTo(before.x)
    expect(after.y).toBeCloseTo(before.y)
  })

  it('never loses the film or divides by zero', () => {
    expect(moved(near, { x: 1e9, y: -1e9 }, film, pane)).toMatchObject({ x: 0, y: 1 })
    expect(zoomed(near, 1e9, { x: 0, y: 0 }, film, pane).zoom).toBe(40)
    expect(windowed(near, { x: -99, y: -99 })).toMatchObject({ center: 0, width: 0.02 })
  })

  it('shows one film pixel on one screen pixel at 1:1, also where the screen is dense', () => {
    const scale = fitScale(film, pane) * oneToOne(AS_STORED, film, pane, 2).zoom
    expect(scale * 2).toBeCloseTo(1)
  })

  it('measures millimetres with the spacing of rows and of columns', () => {
    expect(lengthOf({ x: 0, y: 0 }, { x: 30, y: 40 }, [0.2, 0.2])).toEqual({ value: 10, unit: 'mm' })
    expect(lengthOf({ x: 0, y: 0 }, { x: 0, y: 100 }, [0.3, 0.1])).toEqual({ value: 30, unit: 'mm' })
    expect(lengthOf({ x: 0, y: 0 }, { x: 3, y: 4 }, null)).toEqual({ value: 5, unit: 'px' })
  })
})

const ramp = (rows: number, columns: number) =>
  Uint16Array.from({ length: rows * columns }, (_, i) => Math.round((65535 * (i % columns)) / (columns - 1)))

describe('the pixels', () => {
  it('are means of four in each smaller copy, with odd edges repeated', () => {
    const level = { grey: Uint16Array.from([0, 4, 8, 4, 8, 8]), rows: 2, columns: 3, step: 1 }
    expect(halved(level)).toEqual({ grey: Uint16Array.from([4, 8]), rows: 1, columns: 2, step: 2 })
  })

  it('refuse bytes that are no film of that size', () => {
    expect(() => filmOf(new ArrayBuffer(10), 2, 3)).toThrow(RangeError)
    expect(() => filmOf(new ArrayBuffer(0), 0, 0)).toThrow(RangeError)
  })

  it('of a smaller copy are painted as those of the film itself, from as far', () => {
    const rows = 1300
    const columns = 1101
    const grey = Uint16Array.from({ length: rows * columns }, (_, i) => (i * 7919 + (i % columns) * 31) % 65536)
    const whole = filmOf(grey.buffer.slice(0), rows, columns)
    const copy = whole.levels[1] as Level
    const seen = filmOf(copy.grey.buffer.slice(0) as ArrayBuffer, rows, columns, 2)
    expect([isWhole(whole), isWhole(seen)]).toEqual([true, false])
    expect(seen.levels).toEqual(whole.levels.slice(1))
    const place = { scale: 0.3, left: 4, top: 0.5 }
    const [one, two] = [new Uint32Array(400 * 400), new Uint32Array(400 * 400)]
    paint(whole, place, toneTable(AS_STORED), one, 400, 400)
    paint(seen, place, toneTable(AS_STORED), two, 400, 400)
    expect(two).toEqual(one)
    expect(() => filmOf(copy.grey.buffer as ArrayBuffer, rows, columns, 4)).toThrow(RangeError)
  })

  it('have a level for every distance', () => {
    const large = filmOf(new ArrayBuffer(2 * 2000 * 1600), 2000, 1600)
    expect(large.levels.map((level) => level.step)).toEqual([1, 2, 4])
    expect(levelFor(large, 0.3).step).toBe(2)
    expect(levelFor(large, 2).step).toBe(1)
  })
})

describe('the window', () => {
  it('is the identity on eight bits as stored, and its mirror inverted', () => {
    const table = toneTable(AS_STORED)
    const mirror = toneTable({ ...AS_STORED, inverted: true })
    expect([table[0], table[65535]]).toEqual([0xff000000, 0xffffffff])
    expect([mirror[0], mirror[65535]]).toEqual([0xffffffff, 0xff000000])
  })

  it('rises and is flat outside', () => {
    const table = toneTable({ center: 0.5, width: 0.1, inverted: false })
    const greys = Array.from(table, (pixel) => pixel & 255)
    expect(greys.every((grey, i) => i === 0 || grey >= (greys[i - 1] as number))).toBe(true)
    expect([greys[29000], greys[36500]]).toEqual([0, 255])
  })
})

describe('painting', () => {
  const small = filmOf(ramp(6, 8).buffer, 6, 8)
  const table = toneTable(AS_STORED)

  it('copies pixel for pixel at 1:1', () => {
    const out = new Uint32Array(48)
    paint(small, { scale: 1, left: 0, top: 0 }, table, out, 8, 6)
    expect(Array.from(out.subarray(0, 8), (pixel) => pixel & 255)).toEqual(
      Array.from(ramp(1, 8), (value) => Math.round((255 * value) / 65535)),
    )
  })

  it('leaves everything outside the film transparent', () => {
    const out = new Uint32Array(20 * 20).fill(1)
    paint(small, { scale: 1, left: 5, top: 5 }, table, out, 20, 20)
    expect(out[0]).toBe(0)
    expect(out[19 * 20 + 19]).toBe(0)
    expect((out[8 * 20 + 8] ?? 0) >>> 24).toBe(255)
  })

  it('goes smoothly from pixel to pixel when near', () => {
    const out = new Uint32Array(80)
    paint(small, { scale: 10, left: 0, top: -20 }, table, out, 80, 1)
    const greys = Array.from(out, (pixel) => pixel & 255)
    expect(greys.every((grey, i) => i === 0 || grey >= (greys[i - 1] as number))).toBe(true)
  })

  it('keeps the mean of a film seen from afar', () => {
    const large = filmOf(ramp(1200, 1200).buffer, 1200, 1200)
    const out = new Uint32Array(100 * 100)
    paint(large, { scale: 100 / 1200, left: 0, top: 0 }, table, out, 100, 100)
    const mean = out.reduce((sum, pixel) => sum + (pixel & 255), 0) / out.length
    expect(mean).toBeCloseTo(127.5, 0)
  })
})
