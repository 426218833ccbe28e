/** A cluster's nodes as one line of text, "db1=19017,db2=19018": how a keeper is told about its cluster. */
import type { NodePlan } from './cluster.ts'

export function formatNodes(nodes: readonly NodePlan[]): string {
  return nodes.map(({ name, port }) => `${name}=${port}`).join(',')
}

/** Throws on anything else. */
export function parseNodes(text: string, primaryName: string): NodePlan[] {
  return text.split(',').map((part) => {
    const match = /^([a-z]+\d+)=(\d{1,5})$/.exec(part)
    if (!match) throw new Error(`found "${part}" in the list of nodes, expected NAME=PORT`)
    const [, name, port] = match as unknown as [string, string, string]
    return { name, port: Number(port), role: name === primaryName ? 'primary' : 'replica' }
  })
}
