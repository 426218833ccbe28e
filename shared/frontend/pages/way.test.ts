import { describe, expect, it } from 'vitest'
import { instanceName, instanceNames, parseWay } from './way.ts'

describe('parseWay', () => {
  it('reads who served and what each tier spent', () => {
    const way = parseWay('frontend2, backend1, db3', 'frontend;dur=6.1, backend;dur=4, db3;desc=page;dur=1.25')
    expect(instanceNames(way)).toEqual(['frontend2', 'backend1', 'db3'])
    expect(way.spentMs).toEqual({ frontend: 6.1, backend: 4, db: 1.25 })
  })

  it('keeps a way that ended early', () => {
    const way = parseWay('frontend2')
    expect(instanceNames(way)).toEqual(['frontend2'])
    expect(instanceName(way, 'db')).toBeUndefined()
  })

  it.each([null, undefined, '', 'db0', 'db12', 'dbx', 'backend1<script>', 'nginx1', '__proto__'])('takes nothing from %j', (header) => {
    expect(parseWay(header, header)).toEqual({ instances: [], spentMs: {} })
  })

  it('names at most one instance a tier, in the order of the flow', () => {
    expect(instanceNames(parseWay('db1, frontend3, db2, backend2'))).toEqual(['frontend3', 'backend2', 'db1'])
  })

  it.each(['db;dur=', 'db;dur=-1', 'db;dur=1e9', 'db;dur=NaN', 'db'])('takes no time from %j', (timing) => {
    expect(parseWay('db1', timing).spentMs).toEqual({})
  })
})
