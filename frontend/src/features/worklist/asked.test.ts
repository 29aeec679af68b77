import { describe, expect, it } from 'vitest'

import { addressOf, askedIn, filtered, queryOf, sorted } from './asked'

const asked = askedIn(new URLSearchParams('q=%E5%BC%A0&status=done&sort=name&order=asc&page=3'))

describe('what the work list is asked for', () => {
  it('goes into the address and back', () => {
    expect(askedIn(addressOf(asked))).toEqual(asked)
    expect(asked).toEqual({ filters: { q: '张', status: 'done' }, sort: 'name', order: 'asc', page: 3 })
  })

  it('leaves out what cannot be', () => {
    expect(askedIn(new URLSearchParams('sort=password&page=-1&order=x&evil=1'))).toEqual({
      filters: {}, sort: 'received', order: 'desc', page: 1,
    })
  })

  it('begins at the first page when a filter or the order changes', () => {
    expect(filtered(asked, 'status', '')).toMatchObject({ filters: { q: '张' }, page: 1 })
    expect(sorted(asked, 'name')).toMatchObject({ order: 'desc', page: 1 })
    expect(sorted(sorted(asked, 'status'), 'status')).toMatchObject({ sort: 'status', order: 'asc' })
  })

  it('always tells the server order and size', () => {
    expect(queryOf(askedIn(new URLSearchParams()))).toBe('sort=received&order=desc&page=1&size=50')
  })
})
