/**
 * `ship STAGE/NAME`: sends a replica a batch of its primary's log by hand, and shows what it answers.
 *
 * A repeat, a gap, a damaged entry and a primary of the past are rare on a good network, and what a replica does then is what
 * replication is made of. What cannot be sent, and why: lab/replication/forged-batch.ts.
 */
import { formatPosition } from '@relais/shared/store/position.ts'
import { accepted, conflict, REPLICATE_PATH, type BatchMessage, type LogPage } from '@relais/stage1-memory/replication/messages.ts'
import type { NodeAnswer } from '@relais/stage1-memory/replication/node-call.ts'
import type { Command, Given } from '../command-line/command.ts'
import { integerWithin } from '../command-line/parse-arguments.ts'
import { runningInstance } from '../command-line/running-instance.ts'
import { failed, misused } from '../failure.ts'
import { batchAfter } from '../replication/forged-batch.ts'
import { NodeOfStage } from '../replication/node-of-stage.ts'
import type { LocatedInstance, LocatedStage } from '../runtime/runtime.ts'

const ENTRIES_MAX = 100

export const command: Command = {
  summary: 'Sends a replica of stage 1 a batch by hand, as its primary would, and shows the answer.',
  operands: 'STAGE/NAME',
  options: { after: { type: 'string' }, epoch: { type: 'string' }, damage: { type: 'boolean' } },
  help: `  STAGE/NAME       a replica of stage 1, for example stage1/db2
  --after LSN      send what follows this position in the primary's log, at most ${ENTRIES_MAX} entries (default: its last
                   entry); beyond the log's end, the batch is empty and only claims that the log goes that far
  --epoch N        send it under an epoch older than the primary's
  --damage         flip one bit of the first entry's checksum
                   Only what the primary wrote can be sent.`,
  async run(given, { runtime, stateDirectory, print }) {
    const expected = 'a replica of stage 1, for example stage1/db2'
    const replica = await runningInstance(runtime, 'ship', given.operands[0], ({ role }) => role === 'replica', expected)
    const node = new NodeOfStage(stateDirectory, replica.stage, 'ship')
    const batch = await readBatch(given, node, primaryOf(replica.stage))
    print(`to ${replica.name}, in epoch ${batch.epoch}: what follows ${formatPosition(batch.previous)}, ${entriesText(batch)}`)
    print(answerText(await node.call(replica.instance, { method: 'POST', path: REPLICATE_PATH, body: JSON.stringify(batch) })))
    return 0
  },
}

function primaryOf({ stage, instances }: LocatedStage): LocatedInstance {
  const primary = instances.find(({ role }) => role === 'primary')!
  if (primary.life === 'running') return primary
  throw failed(`Failed to ship: the log is read from ${stage}/${primary.name}, which does not run (${primary.life}).`)
}

async function readBatch({ values }: Given, node: NodeOfStage, primary: LocatedInstance): Promise<BatchMessage> {
  const text = (name: string): string | undefined => values[name] as string | undefined
  const asked = text('after') === undefined ? undefined : integerWithin('--after', text('after')!, 0, 1_000_000_000)
  const page = await node.log(primary, ENTRIES_MAX, asked ?? (await lastButOne(node, primary)))
  const after = asked ?? Math.max(0, page.last.lsn - 1)
  if (after < page.keptAfterLsn)
    throw misused(
      `Failed to read --after: found ${after}, expected at least ${page.keptAfterLsn}: earlier entries are no longer in the log.`,
    )
  const epoch = text('epoch') === undefined ? undefined : integerWithin('--epoch', text('epoch')!, 1, page.position.epoch)
  const damaged = values['damage'] === true
  if (damaged && page.entries.length === 0)
    throw misused(`Failed to read --damage: nothing follows position ${after} that could be damaged.`)
  return batchAfter(after, page, { damaged, ...(epoch !== undefined && { epoch }) })
}

async function lastButOne(node: NodeOfStage, primary: LocatedInstance): Promise<number> {
  const { last }: LogPage = await node.log(primary, 1)
  return Math.max(0, last.lsn - 1)
}

function entriesText({ entries }: BatchMessage): string {
  const [first, last] = [entries[0], entries.at(-1)]
  if (!first || !last) return 'no entries'
  const positions = [first, last].map(([epoch, lsn]) => `${epoch}:${lsn}`)
  return entries.length === 1 ? `entry ${positions[0]}` : `entries ${positions.join(' to ')}`
}

function answerText({ status, body }: NodeAnswer): string {
  const good = accepted.safeParse(body)
  if (status === 200 && good.success) return `200: it is at ${formatPosition(good.data.position)}`
  const refusal = conflict.safeParse(body)
  if (refusal.success) {
    const { reason, last } = refusal.data
    return `${status} ${reason}: its last entry is ${formatPosition(last)}, it expects ${last.lsn + 1}`
  }
  return `${status}: ${(body as { detail?: string }).detail ?? 'without a reason'}`
}
