/** Times, sizes and probabilities as people read them. */
import type { Language } from './language'

const two = (value: number) => String(value).padStart(2, '0')

/** Local time of an ISO instant, the same in both languages: 2026-11-20 14:05. */
export function moment(iso: string | null | undefined): string {
  if (!iso) return '–'
  const at = new Date(iso)
  if (Number.isNaN(at.getTime())) return iso
  return `${day(iso)} ${two(at.getHours())}:${two(at.getMinutes())}`
}

/** Local day of an ISO instant; a plain date stays as it is. */
export function day(iso: string | null | undefined): string {
  if (!iso) return '–'
  if (/^\d{4}-\d{2}-\d{2}$/.test(iso)) return iso
  const at = new Date(iso)
  if (Number.isNaN(at.getTime())) return iso
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}

/** What a network holds likely: never a certainty, also where the stored number was rounded to one. */
export function likelihood(value: number): string {
  return percent(Math.min(Math.max(value, 1e-9), 1 - 1e-9))
}

/** A share that was counted: all and none are said only where they are. */
export function percent(value: number): string {
  if (value > 0.99 && value < 1) return '> 99 %'
  if (value > 0 && value < 0.01) return '< 1 %'
  return `${Math.round(100 * value)} %`
}

export function megabytes(bytes: number): string {
  if (bytes < 1e5) return `${Math.max(1, Math.round(bytes / 1e3))} kB`
  return bytes < 1e7 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.round(bytes / 1e6)} MB`
}

export function millimetres(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} mm`
}

/** kappa with its interval, or a dash where it is not defined. */
export function withInterval(value: number | null, low: number | null, high: number | null): string {
  if (value === null) return '–'
  const text = value.toFixed(2)
  return low === null || high === null ? text : `${text} (${low.toFixed(2)} – ${high.toFixed(2)})`
}

export function duration(seconds: number, language: Language): string {
  const minutes = Math.floor(seconds / 60)
  const rest = Math.round(seconds % 60)
  if (language === 'zh') return minutes ? `${minutes} 分 ${rest} 秒` : `${rest} 秒`
  return minutes ? `${minutes} min ${rest} s` : `${rest} s`
}
