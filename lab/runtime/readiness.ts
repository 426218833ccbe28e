/**
 * Does an instance serve? A service is asked on `/readyz`; a load balancer is connected to.
 *
 * A load balancer is not sent a request: while its upstreams are still starting, the request would mark them as failed and
 * the first user would pay for it.
 */
import { connect } from 'node:net'
import { z } from 'zod'
import { askOnce } from './ask-once.ts'

const PROBE_MS_MAX = 1_000
const problemSchema = z.object({ detail: z.string() })

/** Never rejects; waits one second at most. */
export async function isServing(instance: { readonly tier: string; readonly url: string }): Promise<boolean> {
  return instance.tier === 'lb' ? accepts(new URL(instance.url)) : answersReady(instance.url)
}

/** What it says of why it does not serve, in brackets for the end of a sentence; empty when it says nothing. Never rejects. */
export async function reasonNotServing(instance: { readonly tier: string; readonly url: string }): Promise<string> {
  if (instance.tier === 'lb') return ''
  try {
    const { text } = await askOnce(`${instance.url}/readyz`, PROBE_MS_MAX)
    return ` (it runs, and says: ${problemSchema.parse(JSON.parse(text)).detail})`
  } catch {
    return ''
  }
}

async function answersReady(url: string): Promise<boolean> {
  try {
    return (await askOnce(`${url}/readyz`, PROBE_MS_MAX)).status === 200
  } catch {
    return false
  }
}

function accepts({ hostname, port }: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) })
    const settle = (isAccepted: boolean): void => {
      socket.destroy()
      resolve(isAccepted)
    }
    socket.setTimeout(PROBE_MS_MAX, () => settle(false))
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
  })
}

/** Names of those that do not serve now. */
export async function instancesNotServing(instances: readonly { name: string; tier: string; url: string }[]): Promise<string[]> {
  const rows = await Promise.all(instances.map(async (instance) => ((await isServing(instance)) ? [] : [instance.name])))
  return rows.flat()
}
