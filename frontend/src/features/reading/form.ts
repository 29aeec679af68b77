/** The reading form as data: what has been filled in, what is still missing, and what goes to the server. */
import { type Findings, PLEURAL_SIGNS, type PleuralSign, type Stage, type Zone, ZONES } from '../../api/shapes'

export interface Form {
  zones: Partial<Record<Zone, string>>
  aggregation: boolean
  /** As typed; empty where nothing is typed yet. */
  large: { long: string; short: string }[]
  asbestos: boolean
  plaque: { length: number; heart: boolean; shaggy: boolean }
  primary: string
  secondary: string
  pleura: Record<PleuralSign, boolean>
  symbols: string[]
  quality: number | null
  disease: string
  override: { stage: Stage | ''; reason: string } | null
  comment: string
  reason: string
  /** Seconds spent in earlier sittings. */
  seconds: number
}

export type Missing =
  | { what: 'zones'; count: number }
  | { what: 'large' }
  | { what: 'override' }
  | { what: 'reason' }

export const LARGE_OVER_MM = 10
const SHORTEST_REASON = 3

export function emptyForm(): Form {
  return {
    zones: {},
    aggregation: false,
    large: [],
    asbestos: false,
    plaque: { length: 0, heart: false, shaggy: false },
    primary: '',
    secondary: '',
    pleura: Object.fromEntries(PLEURAL_SIGNS.map((sign) => [sign, false])) as Record<PleuralSign, boolean>,
    symbols: [],
    quality: null,
    disease: '',
    override: null,
    comment: '',
    reason: '',
    seconds: 0,
  }
}

/** A signed reading, to begin a new version from. */
export function formOf(findings: Findings): Form {
  const empty = emptyForm()
  return {
    ...empty,
    zones: { ...findings.zones },
    aggregation: findings.aggregation,
    large: findings.large.map(({ long_mm, short_mm }) => ({ long: String(long_mm), short: String(short_mm) })),
    asbestos: findings.asbestos,
    plaque: {
      length: findings.plaque?.length_fraction_of_wall ?? 0,
      heart: findings.plaque?.heart_border_or_diaphragm ?? false,
      shaggy: findings.plaque?.shaggy_heart ?? false,
    },
    primary: findings.shape?.primary ?? '',
    secondary: findings.shape?.secondary ?? '',
    pleura: { ...empty.pleura, ...findings.pleura },
    symbols: findings.symbols,
    quality: findings.quality_grade,
    disease: findings.disease ?? '',
    override: findings.stage_override,
    comment: findings.comment,
  }
}

/** A draft the server kept; drafts of another make are not used. */
export function formOfDraft(draft: unknown): Form | null {
  if (typeof draft !== 'object' || draft === null || (draft as { schema?: unknown }).schema !== DRAFT) return null
  return { ...emptyForm(), ...(draft as { form: Partial<Form> }).form }
}

const DRAFT = 'konio.draft/1'

export function draftOf(form: Form): object {
  return { schema: DRAFT, form }
}

/** A length as typed, with a point or a comma; null where it is none. */
export function numberOf(text: string): number | null {
  const value = Number(text.trim().replace(',', '.'))
  return text.trim() !== '' && Number.isFinite(value) ? value : null
}

/** Both diameters in mm, or null where they are no large opacity (GBZ 70-2015 3.4). */
export function largeOf(typed: { long: string; short: string }): { long_mm: number; short_mm: number } | null {
  const long = numberOf(typed.long)
  const short = numberOf(typed.short)
  if (long === null || short === null || long <= LARGE_OVER_MM || short <= 0 || short > long) return null
  return { long_mm: long, short_mm: short }
}

/** What must be there before the stage can be computed or the reading signed. */
export function missingIn(form: Form, amending: boolean): Missing[] {
  const missing: Missing[] = []
  const open = ZONES.filter((zone) => !form.zones[zone]).length
  if (open) missing.push({ what: 'zones', count: open })
  if (form.large.some((one) => largeOf(one) === null)) missing.push({ what: 'large' })
  if (form.override && (!form.override.stage || form.override.reason.trim().length < SHORTEST_REASON)) missing.push({ what: 'override' })
  if (amending && form.reason.trim().length < SHORTEST_REASON) missing.push({ what: 'reason' })
  return missing
}

/** What the stage depends on, in the server's words; null while it is not complete. */
export function findingsOf(form: Form): Findings | null {
  if (missingIn({ ...form, override: null }, false).length) return null
  const override = form.override
  return {
    zones: form.zones as Record<Zone, string>,
    aggregation: form.aggregation,
    large: form.large.map((one) => largeOf(one)).filter((one) => one !== null),
    asbestos: form.asbestos,
    plaque: form.pleura.plaque
      ? {
          length_fraction_of_wall: form.asbestos ? form.plaque.length : 0,
          heart_border_or_diaphragm: form.asbestos && form.plaque.heart,
          shaggy_heart: form.asbestos && form.plaque.shaggy,
        }
      : null,
    shape: { primary: form.primary || null, secondary: form.secondary || null },
    pleura: form.pleura,
    symbols: form.symbols,
    quality_grade: form.quality,
    disease: form.disease || null,
    stage_override: override?.stage ? { stage: override.stage, reason: override.reason.trim() } : null,
    comment: form.comment.trim(),
    seconds_spent: form.seconds,
  }
}
