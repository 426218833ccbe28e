/**
 * `status`: what runs, where, how well, and how far each database is; as a table, or as one JSON object for programs.
 */
import type { Command } from '../command-line/command.ts'
import { padded, paint } from '../command-line/paint.ts'
import type { InstanceState } from '../runtime/runtime.ts'
import { statusOfStages, type InstanceStatus, type StageStatus } from '../stage-status.ts'

export const command: Command = {
  summary: 'Shows every instance: role, address, pid, health, replication position and lag.',
  operands: '',
  options: { json: { type: 'boolean' } },
  help: '  --json           one JSON object: {"stages": {"stage1": {"state", "runtime", "loadBalancers", "instances"}}}',
  async run({ values }, { runtime, print }) {
    const stages = await statusOfStages(runtime)
    if (values['json']) print(JSON.stringify({ stages }, null, 2))
    else for (const [name, stage] of Object.entries(stages)) printStage(name, stage, print)
    return 0
  },
}

const STYLES: Record<InstanceState, (text: string) => string> = {
  ready: paint.good,
  starting: paint.warn,
  paused: paint.warn,
  stopped: paint.faint,
  dead: paint.bad,
}

const COLUMNS: readonly [title: string, width: number, of: (instance: InstanceStatus) => string][] = [
  ['NAME', 12, ({ name }) => name],
  ['STATE', 9, ({ state }) => state],
  ['ROLE', 8, ({ role }) => role ?? '-'],
  ['ADDRESS', 23, ({ url }) => url],
  ['PID', 8, ({ pid }) => String(pid ?? '-')],
  ['POSITION', 14, ({ position }) => position ?? '-'],
  ['LAG', 0, lagText],
]

function printStage(name: string, stage: StageStatus, print: (line?: string) => void): void {
  if (stage.state === 'stopped') {
    print(`${paint.strong(name)} is stopped. Start it with \`npm run lab -- up ${name}\`.`)
    return
  }
  const ready = stage.instances.filter(({ state }) => state === 'ready').length
  const style = stage.state === 'ready' ? paint.good : paint.warn
  const single = stage.loadBalancers ? '' : ', single: no load balancer'
  print(
    `${paint.strong(name)} is ${style(stage.state)}: ${ready} of ${stage.instances.length} instances are ready (${stage.runtime}${single})`,
  )
  print()
  print(paint.faint(COLUMNS.map(([title, width]) => title.padEnd(width)).join('  ')))
  for (const instance of stage.instances) {
    const cells = COLUMNS.map(([title, width, of]) => padded(of(instance), width, title === 'STATE' ? STYLES[instance.state] : String))
    print(cells.join('  ').trimEnd())
  }
}

function lagText({ lagRecords, lagBytes, lagMs }: InstanceStatus): string {
  const parts = [
    lagRecords === null ? '' : `${lagRecords} records`,
    lagBytes === null ? '' : `${lagBytes} bytes`,
    lagMs === null ? '' : `${Math.round(lagMs)} ms`,
  ]
  return parts.filter(Boolean).join(', ') || '-'
}
