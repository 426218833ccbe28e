/**
 * What a name of the lab stands for: the three instances of a tier, in another order for each question.
 *
 * As SRV records, which carry a port: on one machine the three differ by port only, and an A record has none. The order is what
 * round-robin DNS is, for either kind. (!) It is all that it is: nothing here knows whether an instance lives or what it has to do.
 * Sources: RFC 1794 (DNS support for load balancing), RFC 2782 (SRV).
 */
import type { Answer, Packet } from 'dns-packet'
import { nodesOf, type Tier, type Topology } from '../topology.ts'

const DNS_ZONE = 'relais.test'
const TIERS: readonly Tier[] = ['frontend', 'backend', 'db']

/** "frontend.relais.test" */
export function nameOf(tier: Tier): string {
  return `${tier}.${DNS_ZONE}`
}

export class RoundRobinNames {
  readonly #topology: Topology
  readonly #ttlS: number
  readonly #turns = new Map<Tier, number>()

  constructor(topology: Topology, ttlS: number) {
    this.#topology = topology
    this.#ttlS = ttlS
  }

  /** The answer to one question. A name of our zone that nobody has does not exist, one of another zone is not ours to speak of; another kind of record has no answers. */
  answer({ id, questions = [], flags = 0 }: Packet): Packet {
    const [question] = questions
    const name = question?.name.toLowerCase() ?? ''
    const tier = TIERS.find((one) => nameOf(one) === name)
    const instance = this.#topology.nodes.find((node) => `${node.name}.${DNS_ZONE}` === name)
    const head = { type: 'response' as const, id: id ?? 0, questions: questions.slice(0, 1) }
    const isZone = name === DNS_ZONE
    if (!isZone && !name.endsWith(`.${DNS_ZONE}`)) return { ...head, flags: (flags & RECURSION_DESIRED) | REFUSED }
    if (!isZone && !tier && !instance) return { ...head, flags: (flags & RECURSION_DESIRED) | NO_SUCH_NAME }
    const answers = isZone ? [] : tier ? this.#services(tier, question!.type) : this.#address(name, question!.type)
    return { ...head, flags: (flags & RECURSION_DESIRED) | AUTHORITATIVE, answers }
  }

  #services(tier: Tier, type: string): Answer[] {
    if (type !== 'SRV') return []
    const nodes = nodesOf(this.#topology, tier)
    const turn = this.#turns.get(tier) ?? 0
    this.#turns.set(tier, (turn + 1) % nodes.length)
    return [...nodes.slice(turn), ...nodes.slice(0, turn)].map(({ name, port }) => ({
      type: 'SRV',
      name: nameOf(tier),
      ttl: this.#ttlS,
      data: { priority: 0, weight: 0, port, target: `${name}.${DNS_ZONE}` },
    }))
  }

  #address(name: string, type: string): Answer[] {
    return type === 'A' ? [{ type: 'A', name, ttl: this.#ttlS, data: this.#topology.host }] : []
  }
}

const RECURSION_DESIRED = 0x0100
const AUTHORITATIVE = 0x0400
const NO_SUCH_NAME = AUTHORITATIVE | 3
const REFUSED = 5
