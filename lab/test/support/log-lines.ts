/** The logs of a running stage as objects: Nginx's access logs and the services' own. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import path from 'node:path'
import { sizeOf } from '../../runtime/log-files.ts'
import type { RunningStage } from './running-stage.ts'

export interface AccessLine {
  readonly requestId: string
  readonly method: string
  readonly uri: string
  readonly status: number
  readonly lane: string
  readonly upstream: string
  /** One entry a try: "A, B" next peer, "A : B" internal redirect. */
  readonly upstreamAddress: string
  readonly moved: boolean
}

export type ServiceLine = Readonly<Record<string, unknown>>

/** Everything that the balancer has logged so far. Lines come up to a second late: poll for what is expected. */
export function accessLines(stage: RunningStage, balancer: string, kind: 'read' | 'write'): AccessLine[] {
  return parseLines(readFileSync(accessLog(stage, balancer, kind), 'utf8')) as AccessLine[]
}

/** What the balancer logs from now on, reads and writes together. The function returned reads on where it stopped, and returns it all. */
export function followAccess(stage: RunningStage, balancer: string): () => readonly AccessLine[] {
  const files = (['read', 'write'] as const).map((kind) => accessLog(stage, balancer, kind))
  const offsets = files.map(sizeOf)
  const lines: AccessLine[] = []
  return () => {
    for (const [index, file] of files.entries()) {
      const text = readFrom(file, offsets[index]!)
      const whole = text.subarray(0, text.lastIndexOf('\n') + 1)
      offsets[index]! += whole.length
      lines.push(...(parseLines(whole.toString()) as AccessLine[]))
    }
    return lines
  }
}

/** Everything that the service has logged so far. Lines come a fraction of a second late: poll for what is expected. */
export function serviceLines(stage: RunningStage, instance: string): ServiceLine[] {
  return parseLines(readFileSync(stage.directory.logFile(instance), 'utf8')) as ServiceLine[]
}

function accessLog(stage: RunningStage, balancer: string, kind: 'read' | 'write'): string {
  return path.join(stage.directory.nginxPrefix(balancer), 'logs', `access-${kind}.json`)
}

function readFrom(file: string, offset: number): Buffer {
  const buffer = Buffer.alloc(sizeOf(file) - offset)
  const descriptor = openSync(file, 'r')
  try {
    return buffer.subarray(0, readSync(descriptor, buffer, 0, buffer.length, offset))
  } finally {
    closeSync(descriptor)
  }
}

/** The last line may be half written, and a service that cannot start writes plain text. */
function parseLines(text: string): unknown[] {
  const lines = text.split('\n').slice(0, -1)
  return lines.flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as unknown] : []))
}
