/** What the work list is asked for; it stands in the address, so that a list can be kept and sent to a colleague. */

export const SORTS = [
  'received', 'study_date', 'name', 'patient_id', 'patient_name', 'status', 'priority', 'my_stage', 'my_signed',
] as const
export type Sort = (typeof SORTS)[number]

export const FILTERS = ['q', 'status', 'reading', 'my_stage', 'machine_stage', 'from', 'to', 'patient'] as const
export type Filter = (typeof FILTERS)[number]

export interface Asked {
  filters: Partial<Record<Filter, string>>
  sort: Sort
  order: 'asc' | 'desc'
  page: number
}

export const PAGE_SIZE = 50

/** Out of an address; what cannot be is left out. */
export function askedIn(address: URLSearchParams): Asked {
  const filters: Asked['filters'] = {}
  for (const name of FILTERS) {
    const value = address.get(name)?.trim()
    if (value) filters[name] = value
  }
  const sort = SORTS.find((one) => one === address.get('sort')) ?? 'received'
  const page = Number(address.get('page'))
  return {
    filters,
    sort,
    order: address.get('order') === 'asc' ? 'asc' : 'desc',
    page: Number.isInteger(page) && page > 0 ? page : 1,
  }
}

/** Into an address; what is as at the beginning is left out. */
export function addressOf({ filters, sort, order, page }: Asked): URLSearchParams {
  const address = new URLSearchParams()
  for (const name of FILTERS) if (filters[name]) address.set(name, filters[name])
  if (sort !== 'received') address.set('sort', sort)
  if (order !== 'desc') address.set('order', order)
  if (page > 1) address.set('page', String(page))
  return address
}

/** What goes to the server. */
export function queryOf(asked: Asked, size = PAGE_SIZE): string {
  const query = addressOf(asked)
  query.set('sort', asked.sort)
  query.set('order', asked.order)
  query.set('page', String(asked.page))
  query.set('size', String(size))
  return query.toString()
}

/** The same list with one filter changed; it begins at its first page again. */
export function filtered(asked: Asked, name: Filter, value: string): Asked {
  const filters = { ...asked.filters }
  if (value) filters[name] = value
  else delete filters[name]
  return { ...asked, filters, page: 1 }
}

/** A second press on the same column turns the order round. */
export function sorted(asked: Asked, sort: Sort): Asked {
  const same = asked.sort === sort
  return { ...asked, sort, order: same && asked.order === 'desc' ? 'asc' : 'desc', page: 1 }
}
