/** What the server says, as it says it: one type for each shape of the HTTP interface (/api/openapi.json). */

export const ZONES = ['ru', 'rm', 'rl', 'lu', 'lm', 'll'] as const
export type Zone = (typeof ZONES)[number]

export type Role = 'reader' | 'administrator'

export interface Account {
  id: number
  name: string
  display: string
  role: Role
  disabled: boolean
  totp: boolean
  must_change_password: boolean
  created: string
  last_sign_in: string | null
}

export interface Session {
  account: Account
  csrf: string
  expires: string
  must_change_password: boolean
  blind_first: boolean
}

export interface OpenSession {
  id: number
  created: string
  last_seen: string
  expires: string
  address: string
  current: boolean
}

export interface About {
  version: string
  blind_first: boolean
  limits: { upload_bytes: number; zip_films: number; film_bytes: number }
  workers_busy: number
  jobs_waiting: number
  languages: string[]
}

/** Words in both languages beside the name used in data. */
export interface Named {
  name: string
  en: string
  zh: string
}

export interface TaskWords extends Named {
  ordered: boolean
  zone: Zone | null
  classes: Named[]
}

export interface Vocabulary {
  tasks: TaskWords[]
  zones: Named[]
  profusions: string[]
  shapes: Named[]
  symbols: Named[]
  diseases: { name: string; en: string }[]
  quality_grades: { grade: number; en: string; zh: string }[]
  notice: string
  notice_zh: string
}

export type CaseStatus = 'queued' | 'running' | 'done' | 'failed' | 'refused' | 'cancelled'
export type Stage = '0' | 'I' | 'II' | 'III'

export interface Row {
  id: string
  name: string
  patient_id: string | null
  patient_name: string | null
  study_date: string | null
  received: string
  status: CaseStatus
  priority: number
  progress: number
  assigned: boolean
  my_stage: Stage | null
  my_signed: string | null
  versions: number
  machine: { stage: Stage | null; clause: string | null; differential: string | null } | null
}

export interface WorkListPage {
  cases: Row[]
  total: number
  total_is_floor?: boolean
  page: number
  size: number
}

export type JobState = 'queued' | 'running' | 'done' | 'failed' | 'cancelled'

export interface Job {
  id: number
  case: string
  case_name: string
  state: JobState
  step: 'waiting' | 'reading' | 'assessing' | 'writing' | ''
  progress: number
  priority: number
  attempts: number
  deaths: number
  reason: { code: string; message: string; message_zh: string } | null
  created: string
  started: string | null
  finished: string | null
}

export interface EarlierFilm {
  id: string
  name: string
  study_date: string | null
  received: string
}

export interface FilmCase extends Row {
  sop_instance_uid: string | null
  rows: number | null
  columns: number | null
  spacing_mm: [number, number] | null
  format: string | null
  bytes: number
  sha256: string
  film_notes: string[]
  film_notes_zh: string[]
  quality: Record<string, unknown>
  refusal: { code: string; reason: string; reason_zh: string } | null
  job: Job | null
  readers: { id: number; display: string; signed: boolean | null }[]
  earlier: EarlierFilm[]
  machine_open: boolean
  report_open: boolean
}

export interface LargeOpacity {
  long_mm: number
  short_mm: number
}

export interface Plaque {
  length_fraction_of_wall: number
  heart_border_or_diaphragm: boolean
  shaggy_heart: boolean
}

export interface Findings {
  zones: Record<Zone, string>
  aggregation: boolean
  large: LargeOpacity[]
  asbestos: boolean
  plaque: Plaque | null
  shape: { primary: string | null; secondary: string | null } | null
  pleura: Record<PleuralSign, boolean> | null
  symbols: string[]
  quality_grade: number | null
  disease: string | null
  stage_override: { stage: Stage; reason: string } | null
  comment: string
  seconds_spent: number | null
}

export const PLEURAL_SIGNS = ['plaque', 'thickening', 'calcification', 'effusion', 'costophrenic'] as const
export type PleuralSign = (typeof PLEURAL_SIGNS)[number]

export interface Staging {
  stage: Stage
  clause: string
  by_interpretation: boolean
  overall: number
  distribution: number
  sentence: string
  sentence_zh: string
  one_change_away: { stage: Stage; clause: string; en: string; zh: string }[]
  ilo_profusion: string | null
  phrase: { en: string; zh: string } | null
}

export interface Reading {
  id: number
  version: number
  reader: { id: number; display: string }
  signed: string
  findings: Findings
  staging: Staging
  stage: Stage
  before_machine: boolean
  amends: number | null
  reason: string | null
  sha256: string
  previous_sha256: string | null
}

export interface Consensus {
  state: 'needs-first' | 'needs-second' | 'agreed' | 'needs-third' | 'settled'
  profusion: string | null
  large: string | null
  rule: string
  rule_zh: string
}

export interface Readings {
  mine: Reading[]
  others: Reading[]
  consensus: Consensus | null
}

export type Box = [top: number, left: number, bottom: number, right: number]

export interface TaskAnswer {
  prediction: string
  probabilities: Record<string, number>
  expected?: number
}

export interface ZoneAnswer {
  profusion: string
  expected: number
  confidence: number
  /** Whether the film is of a kind that no grade was learned from; older results do not say. */
  doubtful?: boolean
}

export interface Region {
  task: string
  box_px: Box
  zone: Zone | null
  share: number
}

export interface Assessment {
  model: { name: string; weights_sha256: string; konio_version: string; precision: string }
  status: 'assessed' | 'refused'
  tasks: Record<string, TaskAnswer | null>
  withheld: Record<string, string>
  regions: Region[]
  zones: Record<Zone, ZoneAnswer> | null
  rule: {
    stage: Stage
    clause: string
    by_interpretation: boolean
    sentence: string
    sentence_zh: string
    one_change_away?: { en: string; zh: string }[]
    assumed?: [string, string][]
  } | null
  quality: Record<string, unknown>
}

export interface Heat {
  task: string
  answer: string
  box_px: Box
  url: string
}

export interface Machine {
  assessment: Assessment
  withheld_zh: Record<string, string>
  /** Question to the share of its map inside the lungs; null where nothing spoke for the answer. */
  in_lungs: Record<string, number | null>
  /** Questions whose answer was moved more from outside the lungs than from inside. */
  outside_lungs: string[]
  heats: Heat[]
  film_notes: string[]
  film_notes_zh: string[]
}

export type Polygon = [x: number, y: number][]

export interface Outlines {
  shape_px: [number, number]
  lungs: Polygon[]
  zones: Partial<Record<Zone, Polygon[]>>
}

export interface Pair {
  cases: number
  kappa: number | null
  low: number | null
  high: number | null
  confusion: number[][]
  classes: string[]
  exact: number | null
}

export interface Agreement {
  readers: {
    id: number
    display: string
    cases: number
    stage: Pair | null
    drift: { month: string; cases: number; kappa: number | null; low: number | null; high: number | null }[]
  }[]
  pairs: { a: { id: number; display: string }; b: { id: number; display: string }; stage: Pair | null; profusion: Pair | null }[]
  machine: { stage: Pair | null; profusion: Pair | null } | null
  adjudication: { agreed: number; third: number; settled: number; open: number }
}

export interface AuditEvent {
  seq: number
  at: string
  account: number | null
  name: string | null
  action: string
  case: string | null
  details: Record<string, unknown> | null
  hash: string
}

export interface UploadAnswer {
  upload: { name: string; bytes: number; sha256: string }
  cases: { id: string; name: string; duplicate: boolean; status: CaseStatus }[]
  refused: { name: string; code: string; reason: string; reason_zh: string }[]
}
