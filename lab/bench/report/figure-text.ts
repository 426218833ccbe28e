/**
 * Figures as text, everywhere the same: a missing one is a dash, and an interval stands behind what it is of.
 */
import type { MeanAndSpread } from '../statistics/mean-and-spread.ts'
import type { Ratio } from '../statistics/paired-ratio.ts'

export const NONE = '–'

export function number(value: number | null | undefined, digits = 0): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE
  return value
    .toLocaleString('en-GB', { minimumFractionDigits: digits, maximumFractionDigits: digits })
    .replaceAll(',', '\u202F')
    .replace('-', '−')
}

export function spread(value: MeanAndSpread | null, digits = 0): string {
  if (value === null) return NONE
  return value.deviation === null
    ? number(value.mean, digits)
    : `${number(value.mean, digits)}\u00A0±\u00A0${number(value.deviation, digits)}`
}

/** "1.67 [1.52, 1.81]" */
export function ratioText(ratio: Ratio | null): string {
  if (ratio === null) return NONE
  return `${number(ratio.ratio, 2)} [${number(ratio.low, 2)}, ${number(ratio.high, 2)}]`
}

/** "+67 % [+52, +81]" */
export function gainText(ratio: Ratio | null): string {
  if (ratio === null) return NONE
  return `${signed(ratio.ratio)} % [${signed(ratio.low)}, ${signed(ratio.high)}]`
}

/** A ratio as percent more or less: "+67.0". */
export function signed(ratio: number): string {
  const percent = (ratio - 1) * 100
  return `${percent < 0 ? '−' : '+'}${number(Math.abs(percent), 1)}`
}

export function percent(share: number | null, digits = 2): string {
  return share === null ? NONE : `${number(share * 100, digits)} %`
}
