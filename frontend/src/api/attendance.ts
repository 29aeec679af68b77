/** Whether somebody is at the desk: a page that is left open must not keep its session alive by asking on its own. */

/** So long after the last touch of mouse, finger or key the page counts as left alone. */
export const ALONE_AFTER_MS = 60_000

const SIGNS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'] as const

let last = Date.now()

export function noteAttendance(): void {
  last = Date.now()
}

export function isAlone(now: number = Date.now()): boolean {
  return now - last > ALONE_AFTER_MS
}

for (const sign of SIGNS) window.addEventListener(sign, noteAttendance, { capture: true, passive: true })
