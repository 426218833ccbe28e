/**
 * The end of a set-up that cannot go on: what is missing and the exact command that would help, exit code 2.
 */

/** @returns {never} */
export function stopWith(...lines) {
  process.stderr.write(`${lines.join('\n')}\n`)
  process.exit(2)
}

/** What the set-up is doing, on standard error: standard output belongs to the verb (`status --json`). */
export function say(line) {
  process.stderr.write(`${line}\n`)
}
