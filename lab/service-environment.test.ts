/** A service's environment: upstreams and peers come from the topology, and nothing the user has set gets above them. */
import { expect, test } from 'vitest'
import { serviceEnvironment } from './service-environment.ts'
import { topologyOf } from './topology.ts'

const SETTINGS = { replication: 'log', durability: 'quorum', secretFile: '/run/secret', dataDirectory: '/run/db2' } as const

function environmentOf(name: string, single = false, inherited: NodeJS.ProcessEnv = {}): Record<string, string> {
  const topology = topologyOf('stage1', { single })
  return serviceEnvironment(
    topology,
    topology.nodes.find((node) => node.name === name)!,
    SETTINGS,
    inherited,
  )
}

test('points each tier to the load balancer of the next one', () => {
  expect(environmentOf('frontend2')['RELAIS_UPSTREAM']).toBe('http://127.0.0.1:8081')
  expect(environmentOf('backend3')['RELAIS_UPSTREAM']).toBe('http://127.0.0.1:8084')
  expect(environmentOf('db2')['RELAIS_UPSTREAM']).toBeUndefined()
})

test('points each tier straight to the next instance with single', () => {
  expect(environmentOf('frontend1', true)['RELAIS_UPSTREAM']).toBe('http://127.0.0.1:18004')
  expect(environmentOf('db1', true)['RELAIS_PEERS']).toBe('')
})

test('tells a frontend whether it stands alone, whatever the user has set, and no other tier', () => {
  expect(environmentOf('frontend1', true)['RELAIS_SINGLE']).toBe('true')
  expect(environmentOf('frontend1', false, { RELAIS_SINGLE: 'true' })['RELAIS_SINGLE']).toBe('false')
  expect(environmentOf('backend1', true)['RELAIS_SINGLE']).toBeUndefined()
})

test('names every other database node as a peer', () => {
  expect(environmentOf('db2')).toMatchObject({
    RELAIS_ROLE: 'replica',
    RELAIS_PRIMARY: 'db1',
    RELAIS_PEERS: 'db1=http://127.0.0.1:18007,db3=http://127.0.0.1:18009',
    RELAIS_DURABILITY: 'quorum',
    RELAIS_SECRET_FILE: '/run/secret',
  })
})

test('passes on what the user has set, but not above what is derived, and not what concerns the lab alone', () => {
  const inherited = { RELAIS_LOG_LEVEL: 'debug', RELAIS_PORT: '1', RELAIS_STATE_DIR: '/elsewhere', HOME: '/root' }
  const environment = environmentOf('db2', false, inherited)
  expect(environment).toMatchObject({ RELAIS_LOG_LEVEL: 'debug', RELAIS_PORT: '18008' })
  expect(environment).not.toHaveProperty('RELAIS_STATE_DIR')
  expect(environment).not.toHaveProperty('HOME')
})
