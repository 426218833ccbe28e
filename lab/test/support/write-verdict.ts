/**
 * What clients were told against what a database holds: is there a lost write, a repeated one, or one that was never made?
 *
 *   told               in the list
 *   201, id n          exactly once, as record n
 *   definite: true     not there
 *   definite: false    once at most
 */
import type { RecordJson } from '@relais/shared/database/record-json.ts'
import type { Operation } from './load.ts'

const SHOWN_MAX = 10

/** One sentence for each write whose answer was not the truth, a few at most; empty when all were. */
export function untruths(writes: readonly Operation[], records: readonly RecordJson[]): string[] {
  const idsByMessage = Map.groupBy(records, ({ message }) => message)
  const sent = new Set(writes.map(({ message }) => message))
  const invented = records.flatMap(({ id, message }) => (sent.has(message) ? [] : [`record ${id} (${message}) was never sent`]))
  const told = writes.flatMap(({ message, answer }) => {
    const ids = (idsByMessage.get(message) ?? []).map(({ id }) => id)
    if (ids.length > 1) return [`${message} is there ${ids.length} times: ${ids.join(', ')}`]
    if (answer?.status === 201 && ids[0] !== answer.json.id)
      return [`${message} was acknowledged as ${answer.json.id}, found ${ids[0] ?? 'nothing'}`]
    if (answer?.json?.definite === true && ids.length > 0)
      return [`${message} was definitely refused (${answer.status}), found record ${ids[0]}`]
    return []
  })
  return [...told, ...invented].slice(0, SHOWN_MAX)
}
