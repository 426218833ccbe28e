/** What `up` understands, and what it refuses before anything is started. */
import { expect, test } from 'vitest'
import { parseArguments } from '../command-line/parse-arguments.ts'
import { portsIn } from '../topology.ts'
import { UP_OPTIONS, readUpRequest, type UpRequest } from './up-options.ts'

function read(line: string, environment: NodeJS.ProcessEnv = {}): UpRequest {
  return readUpRequest(parseArguments('up', line.split(' ').filter(Boolean), UP_OPTIONS, 1), environment)
}

test('starts both stages by default, asynchronously replicated by its log', () => {
  const { topologies, settings, isDetached, isFresh } = read('')
  expect(topologies.map(({ stage }) => stage)).toEqual(['stage1', 'stage2'])
  expect(settings).toEqual({ replication: 'log', durability: 'async', policy: null, cpuPerInstance: null })
  expect([isDetached, isFresh]).toEqual([false, false])
})

test('takes every option', () => {
  const { topologies, settings, isDetached, isFresh } = read(
    'stage1 --detach --fresh --replication fan-out --durability all --policy random-two --cpu-per-instance 0.1 --port db-lb=5000 --port stage1/db1=5001 --port-offset 10',
  )
  expect(settings).toEqual({ replication: 'fan-out', durability: 'all', policy: 'random-two', cpuPerInstance: 0.1 })
  expect([isDetached, isFresh]).toEqual([true, true])
  const ports = portsIn(topologies[0]!)
  expect([ports.get('db-lb'), ports.get('db1'), ports.get('db2')]).toEqual([5000, 5001, 18_018])
})

test('takes --single, where there is nothing to balance and nobody to confirm', () => {
  const { topologies } = read('--single')
  expect(topologies.map(({ loadBalancers }) => loadBalancers)).toEqual([[], []])
})

test('takes the port offset from the environment, and the option above it', () => {
  expect(portsIn(read('', { RELAIS_PORT_OFFSET: '100' }).topologies[0]!).get('db-lb')).toBe(8184)
  expect(portsIn(read('--port-offset 7', { RELAIS_PORT_OFFSET: '100' }).topologies[0]!).get('db-lb')).toBe(8091)
})

test.each([
  '--durability eventually',
  '--replication logs',
  '--policy least_conn',
  '--runtime docker',
  '--cpu-per-instance 0',
  '--port db9=5000',
  '--port 5000',
  '--port db1=70000',
  '--port db1=5000 --port db2=5000',
  '--port frontend-lb=5000',
  'stage1 --port stage2/db1=5000',
  '--port-offset x',
  '--single --durability quorum',
  '--single --policy hash',
  'stage3',
  'stage1 stage2',
])('refuses `up %s`', (line) => {
  expect(() => read(line)).toThrow(expect.objectContaining({ name: 'Failure', exitCode: 2 }))
})
