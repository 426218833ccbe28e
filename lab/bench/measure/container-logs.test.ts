import { expect, test } from 'vitest'
import { topologyOf } from '../../topology.ts'
import { publishedAddress } from './container-logs.ts'

test('a container’s address is told as the instance is published, by its port inside of the stage', () => {
  const topology = topologyOf('stage1', { portOffset: 500 })
  expect(publishedAddress('10.150.13.12:18008', topology)).toBe('127.0.0.1:18508')
})

test('an address that is no instance’s stays', () => {
  expect(publishedAddress('db_primary', topologyOf('stage1'))).toBe('db_primary')
})
