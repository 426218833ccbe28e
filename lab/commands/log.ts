/** `log STAGE/NAME`: what stands in a database's log, entry by entry (stage1-memory/replication/show-log.ts). */
import { formatPosition } from '@relais/shared/store/position.ts'
import type { EntryRow } from '@relais/stage1-memory/replication/messages.ts'
import type { Command } from '../command-line/command.ts'
import { integerWithin } from '../command-line/parse-arguments.ts'
import { runningInstance } from '../command-line/running-instance.ts'
import { NodeOfStage } from '../replication/node-of-stage.ts'

const MESSAGE_CHARACTERS_SHOWN = 30
const KEY_CHARACTERS_SHOWN = 12

export const command: Command = {
  summary: 'Shows the log of a database of stage 1: every write with its position, as it is replicated.',
  operands: 'STAGE/NAME',
  options: { after: { type: 'string' }, limit: { type: 'string' }, json: { type: 'boolean' } },
  help: `  STAGE/NAME       a database of stage 1, for example stage1/db1
  --after LSN      the entries that follow this position (default: the newest)
  --limit N        how many, 1 to 1000 (default 20)
  --json           one JSON object, with the entries as they are sent:
                   [epoch, lsn, id, crc, type, atMs, message, origin, key]
                   A node that got its list from a snapshot shows only later entries.`,
  async run({ operands, values }, { runtime, stateDirectory, print }) {
    const expected = 'a database of stage 1, for example stage1/db1'
    const { name, instance, stage } = await runningInstance(runtime, 'log', operands[0], ({ tier }) => tier === 'db', expected)
    const limit = integerWithin('--limit', (values['limit'] as string | undefined) ?? '20', 1, 1_000)
    const text = values['after'] as string | undefined
    const after = text === undefined ? undefined : integerWithin('--after', text, 0, Number.MAX_SAFE_INTEGER)
    const page = await new NodeOfStage(stateDirectory, stage, 'log').log(instance, limit, after)
    if (values['json']) print(JSON.stringify(page, null, 2))
    else {
      const epochs = page.epochs.map(({ epoch, fromLsn }) => `epoch ${epoch} from ${fromLsn}`).join(', ') || 'nothing written yet'
      const missing = page.keptAfterLsn > 0 ? `; entries up to ${page.keptAfterLsn} are no longer kept` : ''
      print(`${name} is at ${formatPosition(page.position)}: ${epochs}${missing}`)
      for (const row of page.entries) print(entryText(row))
    }
    return 0
  },
}

function entryText([epoch, lsn, id, crc, type, , message, , key]: EntryRow): string {
  const written = message === null ? '' : JSON.stringify(short(message, MESSAGE_CHARACTERS_SHOWN))
  const cells = [
    `${epoch}:${lsn}`.padEnd(6),
    type.padEnd(7),
    `record ${id}`.padEnd(10),
    `crc ${crc.toString(16).padStart(8, '0')}`,
    written,
    key === null ? '' : `key ${short(key, KEY_CHARACTERS_SHOWN)}`,
  ]
  return cells.filter(Boolean).join('  ')
}

function short(text: string, charactersMax: number): string {
  return text.length > charactersMax ? `${text.slice(0, charactersMax - 1)}…` : text
}
