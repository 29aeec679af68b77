import { describe, expect, it } from 'vitest'

import { AT_ONCE, fewAtOnce } from './send'

describe('sending a few at once', () => {
  it('sends all, in order of their beginning, and never more than allowed together', async () => {
    const begun: number[] = []
    let now = 0
    let most = 0
    await fewAtOnce([1, 2, 3, 4, 5, 6, 7], async (item) => {
      begun.push(item)
      most = Math.max(most, ++now)
      await Promise.resolve()
      now--
    })
    expect(begun).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(most).toBe(AT_ONCE)
  })
})
