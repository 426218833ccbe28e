import { expect, it } from 'vitest'
import { program, type Cluster } from './cluster.ts'

const clusterIn = (bindir: string): Cluster => ({ programs: { bindir, major: 0 } }) as unknown as Cluster

it('runs its own programs, never whatever PATH holds', () => {
  expect(program(clusterIn('/opt/postgres/bin'), 'psql')).toBe('/opt/postgres/bin/psql')
  expect(() => program(clusterIn(''), 'psql')).toThrow('Failed to find psql')
})
