/**
 * A claim of a lesson: what has to be so in a step's output every time, whatever the digits.
 *
 *   output matches /x-served-by: frontend\d/          exit is 1
 *   count /db1/ is 10                                 first /p99 ([\d.]+) ms/ at least 3 * fast
 *
 * A claim that compares a value which is not in the output does not hold, and says so: `max` of nothing is no number that happens to be small.
 */
const MEASURES = ['first', 'last', 'count', 'distinct', 'sum', 'min', 'max'] as const
type Measure = (typeof MEASURES)[number]

const OPERATORS = ['is not', 'is', 'more than', 'less than', 'at least', 'at most'] as const
type Operator = (typeof OPERATORS)[number]

type Term =
  | { readonly kind: 'constant'; readonly value: string | number }
  | { readonly kind: 'kept'; readonly name: string }
  | { readonly kind: 'measure'; readonly measure: Measure; readonly pattern: RegExp }
  | { readonly kind: 'exit' }

interface Value {
  readonly left: Term
  readonly join: { readonly sign: string; readonly right: Term } | null
}

/** `check: …` */
export type Claim = { readonly source: string } & (
  | { readonly kind: 'matches' | 'lacks'; readonly pattern: RegExp }
  | { readonly kind: 'compares'; readonly left: Value; readonly operator: Operator; readonly right: Value }
)

/** `keep: NAME = VALUE` */
export interface Keep {
  readonly kind: 'keep'
  readonly source: string
  readonly name: string
  readonly value: Value
}

export interface StepOutcome {
  readonly output: string
  readonly exit: number
}

export interface Verdict {
  readonly holds: boolean
  /** What was there instead, for the message. */
  readonly found: string
  /** A value that it compares is not in the output at all: it does not hold, and that says nothing about the effect. */
  readonly isMissing: boolean
}

/** Values by the names that `keep` gave them. */
export type Kept = Map<string, string | number>

export function parseClaim(source: string): Claim {
  const tokens = new Tokens(source)
  if (tokens.takeWord('output')) {
    const kind = tokens.oneOf(['matches', 'lacks'] as const)
    const pattern = tokens.pattern()
    tokens.end()
    return { source, kind, pattern }
  }
  const left = tokens.value()
  const operator = tokens.oneOf(OPERATORS)
  const right = tokens.value()
  tokens.end()
  return { source, kind: 'compares', left, operator, right }
}

export function parseKeep(source: string): Keep {
  const match = /^([a-z]\w*)\s*=\s*(.+)$/is.exec(source)
  if (!match) throw new Error(`found "${source}", expected NAME = VALUE`)
  const tokens = new Tokens(match[2]!)
  const value = tokens.value()
  tokens.end()
  return { kind: 'keep', source, name: match[1]!, value }
}

/** Whether the claim is about the exit code; a step without such a claim has to end with 0. */
export function isAboutExit(claim: Claim): boolean {
  return claim.kind === 'compares' && (claim.left.left.kind === 'exit' || claim.right.left.kind === 'exit')
}

export function judge(claim: Claim, outcome: StepOutcome, kept: Kept): Verdict {
  if (claim.kind !== 'compares') {
    const hit = [...outcome.output.matchAll(claim.pattern)][0]?.[0]
    const found = hit === undefined ? 'no such text' : `"${hit}"`
    return { holds: (hit !== undefined) === (claim.kind === 'matches'), found, isMissing: false }
  }
  const left = valueOf(claim.left, outcome, kept)
  const right = valueOf(claim.right, outcome, kept)
  const found = `${shown(left)} and ${shown(right)}`
  if (left === undefined || right === undefined) return { holds: false, found, isMissing: true }
  return { holds: compare(left, claim.operator, right), found, isMissing: false }
}

/** The value, or `undefined` when the output does not have it. */
export function keepFrom({ value }: Keep, outcome: StepOutcome, kept: Kept): string | number | undefined {
  return valueOf(value, outcome, kept)
}

function shown(value: string | number | undefined): string {
  if (value === undefined) return 'nothing'
  return typeof value === 'number' ? String(value) : `"${value}"`
}

function compare(left: string | number, operator: Operator, right: string | number): boolean {
  if (operator === 'is') return left === right
  if (operator === 'is not') return left !== right
  if (typeof left !== 'number' || typeof right !== 'number') return false
  if (operator === 'more than') return left > right
  if (operator === 'less than') return left < right
  return operator === 'at least' ? left >= right : left <= right
}

function valueOf({ left, join }: Value, outcome: StepOutcome, kept: Kept): string | number | undefined {
  const first = termValue(left, outcome, kept)
  if (join === null) return first
  const second = termValue(join.right, outcome, kept)
  if (typeof first !== 'number' || typeof second !== 'number') return undefined
  if (join.sign === '+') return first + second
  if (join.sign === '-') return first - second
  return join.sign === '*' ? first * second : first / second
}

function termValue(term: Term, outcome: StepOutcome, kept: Kept): string | number | undefined {
  if (term.kind === 'constant') return term.value
  if (term.kind === 'exit') return outcome.exit
  if (term.kind === 'kept') return kept.get(term.name)
  const hits = [...outcome.output.matchAll(term.pattern)].map((match) => numberIfOne(match[1] ?? match[0]))
  if (term.measure === 'count') return hits.length
  if (term.measure === 'distinct') return new Set(hits).size
  if (term.measure === 'first') return hits[0]
  if (term.measure === 'last') return hits.at(-1)
  const numbers = hits.filter((hit) => typeof hit === 'number')
  if (numbers.length < hits.length || numbers.length === 0) return undefined
  if (term.measure === 'sum') return numbers.reduce((total, number) => total + number, 0)
  return term.measure === 'min' ? Math.min(...numbers) : Math.max(...numbers)
}

function numberIfOne(text: string): string | number {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
}

const TOKEN = /\s*(\/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\[])+\/i?|"[^"]*"|-?\d+(?:\.\d+)?(?!\w)|[a-z]\w*|[-+*÷=])/iy

/** The words of one claim, taken from the left. */
class Tokens {
  readonly #source: string
  readonly #tokens: string[]

  constructor(source: string) {
    this.#source = source
    this.#tokens = split(source.trim())
  }

  takeWord(word: string): boolean {
    if (this.#tokens[0] !== word) return false
    this.#tokens.shift()
    return true
  }

  /** The first of the choices that comes next; a choice may be two words. */
  oneOf<T extends string>(choices: readonly T[]): T {
    const choice = choices.find((words) => words.split(' ').every((word, index) => this.#tokens[index] === word))
    if (choice === undefined) throw this.#wrong(choices.join(', '))
    this.#tokens.splice(0, choice.split(' ').length)
    return choice
  }

  pattern(): RegExp {
    const token = this.#tokens.shift() ?? ''
    const match = /^\/(.+)\/(i?)$/s.exec(token)
    if (!match) throw this.#wrong('/REGEX/', token)
    return new RegExp(match[1]!, `gm${match[2]!}`)
  }

  value(): Value {
    const left = this.#term()
    const sign = this.#tokens[0]
    if (sign === undefined || !/^[-+*÷]$/.test(sign)) return { left, join: null }
    this.#tokens.shift()
    return { left, join: { sign, right: this.#term() } }
  }

  end(): void {
    if (this.#tokens.length > 0) throw this.#wrong('the end', this.#tokens.join(' '))
  }

  #term(): Term {
    const token = this.#tokens.shift()
    if (token === undefined) throw this.#wrong('a value')
    if (/^-?\d/.test(token)) return { kind: 'constant', value: Number(token) }
    if (token.startsWith('"')) return { kind: 'constant', value: numberIfOne(token.slice(1, -1)) }
    if (token === 'exit') return { kind: 'exit' }
    const measure = MEASURES.find((word) => word === token)
    if (measure) return { kind: 'measure', measure, pattern: this.pattern() }
    if (!/^[a-z]/i.test(token)) throw this.#wrong('a value', token)
    return { kind: 'kept', name: token }
  }

  #wrong(expected: string, found: string = this.#tokens.join(' ') || 'the end'): Error {
    return new Error(`in "${this.#source}" found ${found}, expected ${expected}`)
  }
}

function split(source: string): string[] {
  const tokens: string[] = []
  let at = 0
  while (at < source.length) {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(source)
    if (!match) throw new Error(`in "${source}" found ${source.slice(at, at + 20)}, expected a word, a number, "text" or /REGEX/`)
    tokens.push(match[1]!)
    at = TOKEN.lastIndex
  }
  return tokens
}
