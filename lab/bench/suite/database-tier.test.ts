import { expect, test } from 'vitest'
import { generatedFiles } from '../../runtime/nginx-files.ts'
import { entryUrl, topologyOf } from '../../topology.ts'
import { databaseTier } from './database-tier.ts'

test('leaves db-lb and as many databases as asked for, the primary first', () => {
  const tier = databaseTier(topologyOf('stage1'), 2)
  expect(tier.nodes.map(({ name, role }) => `${name} ${role}`)).toEqual(['db1 primary', 'db2 replica'])
  expect(entryUrl(tier, 'db')).toBe('http://127.0.0.1:8084')
})

test('gives a primary without replicas groups that Nginx takes', () => {
  const tier = databaseTier(topologyOf('stage1'), 1)
  const files = generatedFiles(tier, tier.loadBalancers[0]!, 'least-conn')
  for (const name of ['upstream-primary.conf', 'upstream-read.conf', 'upstream-replicas.conf'])
    expect(files.get(name)).toMatch(/^server 127\.0\.0\.1:18007/)
})
