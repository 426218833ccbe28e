/**
 * The check of the check: the same experiment with its effect switched off. Every claim has to fail on it, and for the right reason.
 *
 * A command that breaks makes every claim fail and proves nothing: so it has to print something, end with 0, and print the values that a claim compares.
 */
import { isAboutExit, judge, type Claim, type Kept } from './claim.ts'
import type { Step } from './lesson.ts'
import type { Shell } from './lesson-shell.ts'
import type { BrokenClaim } from './run-step.ts'

/** What is wrong: claims that hold although their effect is off, and commands that prove nothing. */
export async function runWithouts(step: Step, shell: Shell, kept: Kept, signal?: AbortSignal): Promise<readonly BrokenClaim[]> {
  const findings: BrokenClaim[] = []
  for (const [command, claims] of claimsByCommand(step)) {
    const outcome = await shell.run(command, step.deadlineMs, signal)
    const proves = outcome.ended === null && outcome.output.trim() !== '' && (outcome.exit === 0 || claims.some(isAboutExit))
    if (!proves) {
      const found = outcome.ended ?? `exit ${outcome.exit}, output "${outcome.output.slice(0, 200)}"`
      findings.push({ claim: `without: ${command}`, found: `${found}; expected a command that works` })
      continue
    }
    for (const claim of claims) {
      const { holds, found, isMissing } = judge(claim, outcome, kept)
      if (holds)
        findings.push({ claim: claim.source, found: `it holds (${found}) without its cause: ${command}\n${outcome.output.slice(0, 1000)}` })
      else if (isMissing) findings.push({ claim: claim.source, found: `no value to compare (${found}) in the output of: ${command}` })
    }
  }
  return findings
}

/** Claims that name no command are found by `proofread.ts`. */
function claimsByCommand(step: Step): Map<string, Claim[]> {
  const claims = new Map<string, Claim[]>()
  for (const { without, rules } of step.expectations) {
    if (without === null) continue
    const own = rules.filter((rule) => rule.kind !== 'keep')
    claims.set(without, [...(claims.get(without) ?? []), ...own])
  }
  return claims
}
