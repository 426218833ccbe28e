/**
 * The lab as a node of stage 1's cluster: it holds the secret that `up` made, so it can ask what nodes ask each other, and send what a primary sends.
 *
 *   lab -- log, lab -- ship ─▶ signed call ─▶ /api/replicate…
 */
import { readFileSync } from 'node:fs'
import { LOG_PATH, logPage, type LogPage } from '@relais/stage1-memory/replication/messages.ts'
import { callNode, NodeCallError, type NodeAnswer, type NodeCall } from '@relais/stage1-memory/replication/node-call.ts'
import { Signer } from '@relais/stage1-memory/replication/signature.ts'
import { failed, misused } from '../failure.ts'
import type { LocatedInstance, LocatedStage } from '../runtime/runtime.ts'
import { StageDirectory } from '../runtime/stage-directory.ts'

/** Above what a replica holds a message back by a lesson's `lag`, mostly; a longer one is told as what it is, no answer. */
const DEADLINE_MS = 10_000

export class NodeOfStage {
  readonly #signer: Signer
  readonly #stageName: string

  /** `verb` is for the failure where the secret cannot be had. */
  constructor(stateDirectory: string, stage: LocatedStage, verb: string) {
    if (stage.stage !== 'stage1')
      throw misused(`Failed to read \`${verb}\`: found ${stage.stage}, expected stage1: PostgreSQL's log is read by pg_waldump.`)
    if (stage.runtime !== 'native')
      throw failed(`Failed to ${verb}: the secret of the cluster stays in its containers.\nStart stage1 with \`--runtime native\`.`)
    this.#stageName = stage.stage
    this.#signer = new Signer(readFileSync(new StageDirectory(stateDirectory, stage.stage).secretFile, 'utf8').trim())
  }

  /** Any answer, refusals included. */
  async call({ name, url }: LocatedInstance, call: Omit<NodeCall, 'deadlineMs'>): Promise<NodeAnswer> {
    try {
      return await callNode({ name, url }, this.#signer, { ...call, deadlineMs: DEADLINE_MS })
    } catch (error) {
      if (!(error instanceof NodeCallError)) throw error
      throw failed(`Failed to ask ${this.#stageName}/${name}: ${error.message}.\nSee it with \`npm run lab -- status\`.`)
    }
  }

  /** The newest entries, or those after a position. */
  async log(instance: LocatedInstance, limit: number, after?: number): Promise<LogPage> {
    const path = `${LOG_PATH}?limit=${limit}${after === undefined ? '' : `&after=${after}`}`
    const { status, body } = await this.call(instance, { method: 'GET', path })
    if (status === 200) return logPage.parse(body)
    const { detail } = body as { detail?: string }
    throw failed(`Failed to read the log of ${this.#stageName}/${instance.name}: it answered ${status}, ${detail ?? 'without a reason'}.`)
  }
}
