/** The addresses that README, walkthrough and users' scripts rely on, and what is derived from them. */
import { expect, test } from 'vitest'
import { entryUrl, namesIn, nodesOf, portsIn, primaryOf, topologyOf } from './topology.ts'

test('gives stage 1 and stage 2 the documented ports', () => {
  expect(Object.fromEntries(portsIn(topologyOf('stage1')))).toEqual({
    'frontend-lb': 8080,
    'backend-lb': 8081,
    'db-lb': 8084,
    frontend1: 18001,
    frontend2: 18002,
    frontend3: 18003,
    backend1: 18004,
    backend2: 18005,
    backend3: 18006,
    db1: 18007,
    db2: 18008,
    db3: 18009,
  })
  const stage2 = portsIn(topologyOf('stage2'))
  expect([stage2.get('frontend-lb'), stage2.get('backend-lb'), stage2.get('db-lb'), stage2.get('db3')]).toEqual([9080, 9081, 9084, 19009])
})

test('has one primary, db1, and replicas besides', () => {
  const topology = topologyOf('stage1')
  expect(primaryOf(topology).name).toBe('db1')
  expect(nodesOf(topology, 'db').map(({ role }) => role)).toEqual(['primary', 'replica', 'replica'])
  expect(nodesOf(topology, 'frontend').every(({ role }) => role === null)).toBe(true)
})

test('reaches a tier through its load balancer, and with single at its only instance', () => {
  expect(entryUrl(topologyOf('stage1'), 'backend')).toBe('http://127.0.0.1:8081')
  const single = topologyOf('stage1', { single: true })
  expect(entryUrl(single, 'backend')).toBe('http://127.0.0.1:18004')
  expect(namesIn(single)).toEqual(['frontend1', 'backend1', 'db1'])
})

test('moves every port by the offset, and a port chosen by name to exactly there', () => {
  const ports = portsIn(topologyOf('stage1', { portOffset: 100, ports: new Map([['db-lb', 5000]]) }))
  expect([ports.get('frontend-lb'), ports.get('db2'), ports.get('db-lb')]).toEqual([8180, 18108, 5000])
})
