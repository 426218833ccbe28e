/**
 * Runs another program in place of this one: its terminal is ours, signals reach it, its exit code becomes ours.
 */
import { spawn } from 'node:child_process'

/**
 * Resolves to the exit code. A Ctrl-C in the terminal reaches the child by itself, as it is in our process group; we only
 * have to outlive it. A signal that somebody sends to us alone is passed on.
 */
export function runProgram(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'inherit', ...options })
    const passOn = (signal) => child.kill(signal)
    const ignore = () => {}
    process.on('SIGINT', ignore)
    process.on('SIGTERM', passOn)
    process.on('SIGHUP', passOn)
    const settle = (code) => {
      process.off('SIGINT', ignore)
      process.off('SIGTERM', passOn)
      process.off('SIGHUP', passOn)
      resolve(code)
    }
    child.once('error', (error) => {
      process.stderr.write(`Failed to run ${command}: ${error.message}\n`)
      settle(1)
    })
    child.once('exit', (code) => settle(code ?? 1))
  })
}
