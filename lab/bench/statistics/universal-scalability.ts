/**
 * The universal scalability law (Gunther): why n instances are not n times one.
 *
 *   X(n) = λ·n / (1 + σ·(n − 1) + κ·n·(n − 1))      λ  one instance's rate
 *                                                  σ  the share that waits for its turn (contention)
 *                                                  κ  the price of agreeing with each other (coherency)
 *
 * Written as n / X = a + b·(n − 1) + c·n·(n − 1) it is linear in a = 1/λ, b = σ/λ, c = κ/λ, and least squares has one answer;
 * general fitters go astray on it. A negative σ or κ has no meaning: that term is left out and the rest fitted again.
 */
export interface ScalabilityFit {
  readonly lambda: number
  readonly sigma: number
  readonly kappa: number
  /** Where more instances begin to cost; null when that never happens (κ = 0). */
  readonly peak: number | null
  /** Of the fitted n/X against the measured ones; 1 is exact. Null when all measured ones are equal. */
  readonly rSquared: number | null
  /** Exactly as many points as coefficients: the curve goes through all of them and proves nothing. */
  readonly isInterpolation: boolean
}

export interface ScalabilityPoint {
  readonly n: number
  readonly rate: number
}

type Term = (n: number) => number
const TERMS: readonly Term[] = [() => 1, (n) => n - 1, (n) => n * (n - 1)]

/** Null when there are fewer than three different n, or when no fit with meaning exists. */
export function fitScalability(points: readonly ScalabilityPoint[]): ScalabilityFit | null {
  const usable = points.filter(({ n, rate }) => n > 0 && rate > 0)
  const distinct = new Set(usable.map(({ n }) => n)).size
  if (distinct < TERMS.length) return null
  const coefficients = fitWithoutNegatives(usable)
  if (coefficients === null) return null
  const [a, b, c] = coefficients
  const [sigma, kappa] = [b / a, c / a]
  const peak = kappa > 0 ? Math.sqrt(Math.max(0, 1 - sigma) / kappa) : null
  return { lambda: 1 / a, sigma, kappa, peak, rSquared: rSquaredOf(usable, coefficients), isInterpolation: distinct === TERMS.length }
}

/** What the fit says n instances do. */
export function rateAt({ lambda, sigma, kappa }: ScalabilityFit, n: number): number {
  return (lambda * n) / (1 + sigma * (n - 1) + kappa * n * (n - 1))
}

type Coefficients = readonly [number, number, number]

/** Of the fits in which no coefficient is negative, the closest: with three terms all subsets are quickly tried. */
function fitWithoutNegatives(points: readonly ScalabilityPoint[]): Coefficients | null {
  const fits = [[0, 1, 2], [0, 1], [0, 2], [0]]
    .map((kept) => fitTerms(points, kept))
    .filter((fit) => fit !== null && fit[0] > 0 && fit[1] >= 0 && fit[2] >= 0) as Coefficients[]
  return fits.toSorted((x, y) => squaredErrors(points, x) - squaredErrors(points, y))[0] ?? null
}

/** Least squares by the normal equations; coefficients of terms that are not kept are 0. */
function fitTerms(points: readonly ScalabilityPoint[], kept: readonly number[]): Coefficients | null {
  const rows = points.map(({ n, rate }) => ({ terms: kept.map((term) => TERMS[term]!(n)), value: n / rate }))
  const left = kept.map((_, i) => kept.map((_, j) => sum(rows.map(({ terms }) => terms[i]! * terms[j]!))))
  const right = kept.map((_, i) => sum(rows.map(({ terms, value }) => terms[i]! * value)))
  const solved = solve(left, right)
  if (solved === null) return null
  const at = (term: number): number => (kept.includes(term) ? clean(solved[kept.indexOf(term)]!, solved[0]!) : 0)
  return [at(0), at(1), at(2)]
}

/** A rounding error below nothing is nothing. */
function clean(value: number, scale: number): number {
  return Math.abs(value) < Math.abs(scale) * 1e-9 ? 0 : value
}

/** Gauss with partial pivoting; null when the system has no single answer. */
function solve(left: readonly (readonly number[])[], right: readonly number[]): number[] | null {
  const rows = left.map((row, index) => [...row, right[index]!])
  for (let column = 0; column < rows.length; column++) {
    const pivot = rows.slice(column).reduce((best, row) => (Math.abs(row[column]!) > Math.abs(best[column]!) ? row : best))
    if (pivot[column] === 0) return null
    const from = rows.indexOf(pivot)
    ;[rows[column], rows[from]] = [pivot, rows[column]!]
    for (const row of rows) {
      if (row === pivot) continue
      const factor = row[column]! / pivot[column]!
      for (let index = column; index < row.length; index++) row[index]! -= factor * pivot[index]!
    }
  }
  return rows.map((row, index) => row.at(-1)! / row[index]!)
}

function squaredErrors(points: readonly ScalabilityPoint[], coefficients: Coefficients): number {
  return sum(points.map(({ n, rate }) => (n / rate - sum(coefficients.map((value, term) => value * TERMS[term]!(n)))) ** 2))
}

function rSquaredOf(points: readonly ScalabilityPoint[], coefficients: Coefficients): number | null {
  const values = points.map(({ n, rate }) => n / rate)
  const average = sum(values) / values.length
  const spread = sum(values.map((value) => (value - average) ** 2))
  return spread === 0 ? null : 1 - squaredErrors(points, coefficients) / spread
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
