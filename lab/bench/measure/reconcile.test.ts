import { describe, expect, it } from 'vitest'
import { topologyOf } from '../../topology.ts'
import type { LoggedRequest } from './access-logs.ts'
import { reconcile, type Counted } from './reconcile.ts'
import type { AnswerCount } from './service-counters.ts'

const BALANCED = topologyOf('stage1')
const SINGLE = topologyOf('stage1', { single: true })
const NOTHING = { served: 0, wrong: 0, refused: 0, timedOut: 0, lost: 0 }

/** So many requests, each tried once and answered 200. */
function lines(count: number): LoggedRequest[] {
  return Array.from({ length: count }, (_, index) => line(`r-${index}`, [200]))
}

function line(requestId: string, statuses: readonly (number | undefined)[], status = 200): LoggedRequest {
  return { requestId, isRead: true, status, tries: statuses.map((each) => ({ address: '127.0.0.1:18007', status: each })) }
}

/** Four of them writes, all served. */
function answers(count: number, served = count): AnswerCount {
  return { reads: count - 4, readsServed: served - 4, writes: 4, writesServed: 4 }
}

/** 30 requests, 10 at each instance, all served; a test changes what it is about. */
function counted(change: {
  readonly load?: Partial<Counted['load']>
  readonly logs?: Readonly<Record<string, readonly LoggedRequest[]>>
  readonly counters?: Readonly<Record<string, AnswerCount | undefined>>
}): Counted {
  return {
    topology: BALANCED,
    load: { requested: 30, notSent: 0, outcomes: { ...NOTHING, served: 30 }, ...change.load },
    logs: new Map(Object.entries({ 'frontend-lb': lines(30), 'backend-lb': lines(30), 'db-lb': lines(30), ...change.logs })),
    counters: new Map([...BALANCED.nodes.map(({ name }) => [name, answers(10)] as const), ...Object.entries(change.counters ?? {})]),
  }
}

describe('all who counted', () => {
  it('agree on a run without failures', () => {
    const { counts, differences } = reconcile(counted({}))
    expect(differences).toEqual([])
    expect(counts).toEqual({ client: 30, 'frontend-lb': 30, frontend: 30, 'backend-lb': 30, backend: 30, 'db-lb': 30, db: 30 })
  })

  it('may differ by what the client lost or gave up', () => {
    const outcomes = { ...NOTHING, served: 28, timedOut: 1, lost: 1 }
    expect(reconcile(counted({ load: { requested: 31, notSent: 1, outcomes } })).differences).toEqual([])
    const logs = { 'frontend-lb': lines(29), 'backend-lb': lines(29), 'db-lb': lines(29) }
    const counters = { frontend3: answers(9), backend3: answers(9), db3: answers(9) }
    expect(reconcile(counted({ load: { outcomes }, logs, counters })).differences).toEqual([])
  })

  it('agree without the balancers’ logs, and then a tier must have served what the client was, and no more than three tries a request', () => {
    const unread = (count: number): readonly string[] => {
      const counters = Object.fromEntries(BALANCED.nodes.map(({ name }) => [name, answers(count)]))
      return reconcile({ ...counted({ counters }), logs: null }).differences
    }
    expect(unread(10)).toEqual([])
    expect(unread(9)[0]).toBe('the frontend tier counted 27, but frontend-lb had 30 answers from there: 3 too few')
    expect(unread(31)[0]).toBe('the frontend tier counted 93, but frontend-lb asked 90 times at most: 3 too many')
  })

  it('do not agree when a balancer logged fewer than the client has answers', () => {
    const { differences } = reconcile(counted({ logs: { 'frontend-lb': lines(29) } }))
    expect(differences[0]).toBe('frontend-lb counted 29, but the client had 30 answers from there: 1 too few')
  })

  it('do not agree when a balancer logged more than was sent, or a request twice', () => {
    const twice = [...lines(30), line('r-0', [200])]
    const { differences } = reconcile(counted({ logs: { 'frontend-lb': twice }, counters: { frontend1: answers(11, 10) } }))
    expect(differences).toEqual([
      'frontend-lb counted 31, but the client asked 30 times at most: 1 too many',
      'frontend-lb logged 1 requests more than once',
    ])
  })

  it('agree on a second try of a balancer behind the edge: two lines of one request in the next one', () => {
    const logs = { 'backend-lb': [...lines(29), line('r-29', [504, 200])], 'db-lb': [...lines(30), line('r-29', [200])] }
    const counters = { backend1: answers(11), db1: answers(11) }
    expect(reconcile(counted({ logs, counters })).differences).toEqual([])
  })

  it('do not agree when a tier answered more than it was asked: a client of its own kind beside the run', () => {
    expect(reconcile(counted({ counters: { backend2: answers(12, 10) } })).differences).toEqual([
      'the backend tier counted 32, but backend-lb asked 30 times at most: 2 too many',
    ])
  })

  it('do not agree when a tier answered from nowhere', () => {
    const { differences } = reconcile(counted({ logs: { 'db-lb': lines(29) }, counters: { db1: answers(9) } }))
    expect(differences).toEqual(['db-lb counted 29, but the backend tier had 30 answers from there: 1 too few'])
  })

  it.each([undefined, 499, 502, 504])('may differ by a try that ended with %s, which the instance may have counted or not', (status) => {
    const moved = [...lines(29), line('r-29', [status, 200])]
    expect(reconcile(counted({ logs: { 'db-lb': moved } })).differences).toEqual([])
    expect(reconcile(counted({ logs: { 'db-lb': moved }, counters: { db3: answers(11) } })).differences).toEqual([])
  })

  it('may differ by what a tier refused itself', () => {
    const refused = { 'db-lb': lines(29) }
    const counters = { backend1: answers(10, 9), db1: answers(9) }
    expect(reconcile(counted({ logs: refused, counters })).differences).toEqual([])
  })

  it('count a read that was handed over at both databases', () => {
    const handedOver = [...lines(29), line('r-29', [503, 200])]
    expect(reconcile(counted({ logs: { 'db-lb': handedOver }, counters: { db2: answers(11, 10) } })).differences).toEqual([])
    expect(reconcile(counted({ logs: { 'db-lb': handedOver } })).differences).toEqual([
      'the db tier counted 30, but db-lb had 31 answers from there: 1 too few',
    ])
  })

  it('say whose count is missing, and go on behind it', () => {
    // Whether one request more came from there nobody can say.
    const more = { 'backend-lb': lines(31), 'db-lb': lines(31) }
    const { differences } = reconcile(counted({ counters: { frontend2: undefined, backend1: answers(11), db1: answers(11) }, logs: more }))
    expect(differences).toEqual(['frontend2: no count, because it did not answer or was restarted during the run'])
  })

  it('are compared without load balancers as well', () => {
    const all = new Map(SINGLE.nodes.map(({ name }) => [name, answers(30)]))
    const load = { requested: 30, notSent: 0, outcomes: { ...NOTHING, served: 30 } }
    expect(reconcile({ topology: SINGLE, load, logs: new Map(), counters: all }).differences).toEqual([])
    const { differences } = reconcile({ topology: SINGLE, load, logs: new Map(), counters: new Map([...all, ['db1', answers(29)]]) })
    expect(differences).toEqual(['the db tier counted 29, but the backend tier had 30 answers from there: 1 too few'])
  })
})
