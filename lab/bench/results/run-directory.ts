/**
 * Where a bench leaves what it found: `.relais/runs/TIME/`, with `.relais/runs/latest` pointing at the newest.
 *
 *   raw/0001-stage1-balanced-light-1.json   each repetition, written the moment it is finished
 *   bench.json                              the whole record, written anew after each part
 *   report.md, report.html                  made from it by the reports
 *
 * A bench that is killed has lost the run that it was in, and nothing else.
 */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { BenchRecord } from './bench-record.ts'

export class RunDirectory {
  readonly path: string
  #count = 0

  private constructor(directory: string) {
    this.path = directory
  }

  /** A new one below the lab's state directory, named after the time; `latest` points at it from now on. */
  static create(stateDirectory: string, startedAt: Date): RunDirectory {
    const runs = path.join(stateDirectory, 'runs')
    mkdirSync(runs, { recursive: true })
    const name = makeUnused(runs, startedAt.toISOString().slice(0, 19).replaceAll(':', '-'))
    const link = path.join(runs, `latest.${process.pid}`)
    rmSync(link, { force: true })
    symlinkSync(name, link)
    renameSync(link, path.join(runs, 'latest'))
    return new RunDirectory(path.join(runs, name))
  }

  /** One result, on its own. `name` says what it is of. */
  writeRaw(name: string, result: unknown): void {
    this.#count += 1
    const file = path.join(this.path, 'raw', `${String(this.#count).padStart(4, '0')}-${name}.json`)
    mkdirSync(path.dirname(file), { recursive: true })
    write(file, result)
  }

  writeRecord(record: BenchRecord): void {
    write(path.join(this.path, 'bench.json'), record)
  }
}

/** Two benches may begin within a second. */
function makeUnused(runs: string, name: string): string {
  for (let count = 1; ; count++) {
    const tried = count === 1 ? name : `${name}-${count}`
    try {
      mkdirSync(path.join(runs, tried))
      return tried
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

/** By rename, so that a reader sees a whole file. */
function write(file: string, value: unknown): void {
  const partial = `${file}.${process.pid}`
  writeFileSync(partial, `${JSON.stringify(value, null, 1)}\n`)
  renameSync(partial, file)
}
