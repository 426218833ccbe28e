/**
 * A measured process held to a share of a core: on one machine, an instance that shares its cores with the load generator
 * and with its own replicas measures the machine; one with a share of its own measures the software.
 */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { findCpuShares, holdProcess, removeGroup } from '../runtime/cpu-share.ts'

export class HeldProcesses {
  readonly #cores: number
  readonly #toHold = new Map<string, number>()
  readonly #groups: string[] = []

  /** 0 holds nothing. */
  constructor(cores: number) {
    this.#cores = cores
  }

  /** Free until `hold()`, except where a limit is given with the start (systemd). Throws where no limit can be had. */
  spawn(name: string, command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
    if (this.#cores === 0) return spawn(command, args, options)
    const shares = findCpuShares(this.#cores)
    if (!shares.isHeld) throw new Error(shares.description)
    const wrapped = shares.wrap(command, args)
    const child = spawn(wrapped.command, wrapped.args, options)
    const group = shares.groupFor(`relais-bench-${process.pid}-${name}`)
    if (group !== null && child.pid !== undefined) this.#toHold.set(group, child.pid)
    return child
  }

  /** From now on, all that were started since the last call. */
  hold(): void {
    for (const [group, pid] of this.#toHold) {
      // First: what is half made is removed, too.
      this.#groups.push(group)
      holdProcess(group, this.#cores, pid)
    }
    this.#toHold.clear()
  }

  /** After the processes have ended. */
  async release(): Promise<void> {
    for (const group of this.#groups.splice(0)) await removeGroup(group)
  }
}
