/**
 * One step of a lesson: its command is run, and each claim is judged on what it printed.
 *
 * A step that may be repeated is run until all claims hold or its time is over: replication and restarts take as long as they take, and a fixed sleep would be
 * too short on one machine and a waste on the next.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { isAboutExit, judge, keepFrom, type Claim, type Kept } from './claim.ts'
import type { Step } from './lesson.ts'
import type { Shell, ShellOutcome } from './lesson-shell.ts'

export interface BrokenClaim {
  readonly claim: string
  readonly found: string
}

export interface StepResult {
  readonly outcome: ShellOutcome
  readonly claims: number
  readonly broken: readonly BrokenClaim[]
}

const PAUSE_MS = 250

/** Kept values are set from the last run. */
export async function runStep(step: Step, shell: Shell, kept: Kept, signal?: AbortSignal): Promise<StepResult> {
  const giveUpAtMs = performance.now() + step.repeatMs
  for (;;) {
    const outcome = await shell.run(step.command, step.deadlineMs, signal)
    const result = judgeStep(step, outcome, kept)
    if (result.broken.length === 0 || outcome.ended !== null || performance.now() >= giveUpAtMs) return result
    await sleep(PAUSE_MS)
  }
}

/** What a step prints, held against its claims. */
export function judgeStep(step: Step, outcome: ShellOutcome, kept: Kept): StepResult {
  const broken: BrokenClaim[] = []
  if (outcome.ended !== null)
    broken.push({ claim: `the step ends within ${step.deadlineMs / 1000} s`, found: `it was ended: ${outcome.ended}` })
  const claims = claimsOf(step)
  if (outcome.exit !== 0 && !claims.some(isAboutExit)) broken.push({ claim: 'exit is 0', found: `exit ${outcome.exit}` })
  for (const rule of step.expectations.flatMap(({ rules }) => rules)) {
    if (rule.kind === 'keep') {
      const value = keepFrom(rule, outcome, kept)
      if (value === undefined) broken.push({ claim: `keep ${rule.source}`, found: 'nothing' })
      else kept.set(rule.name, value)
      continue
    }
    const { holds, found } = judge(rule, outcome, kept)
    if (!holds) broken.push({ claim: rule.source, found })
  }
  return { outcome, claims: claims.length, broken }
}

function claimsOf(step: Step): Claim[] {
  return step.expectations.flatMap(({ rules }) => rules.filter((rule) => rule.kind !== 'keep'))
}
