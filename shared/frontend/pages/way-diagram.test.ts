import { describe, expect, it } from 'vitest'
import { wayDiagram, type WayView } from './way-diagram.ts'
import { parseWay, UNKNOWN_WAY } from './way.ts'

const READ = parseWay('frontend2, backend1, db3', 'frontend;dur=16.12, backend;dur=4.02, db;dur=1.25')

function diagram(view: Partial<WayView> = {}): string {
  return String(wayDiagram({ language: 'en', read: READ, failed: false, primaryNumber: 1, single: false, ...view }))
}

/** The names in the boxes that have the class. */
function marked(html: string, kind: 'read' | 'write'): string[] {
  const boxes = html.matchAll(/<li class="instance([^"]*)">\s*<span class="node">\s*<span class="name">(\w+)</g)
  return [...boxes].filter(([, classes]) => classes!.split(' ').includes(kind)).map(([, , name]) => name!)
}

describe('wayDiagram', () => {
  it('draws all nine instances and marks the three that served', () => {
    const html = diagram()
    expect(html.match(/class="instance[ "]/g)).toHaveLength(9)
    expect(marked(html, 'read')).toEqual(['frontend2', 'backend1', 'db3'])
    expect(html).toContain('Served by frontend2, backend1 and db3.')
  })

  it('says what each tier spent, in the numbers of the language', () => {
    expect(diagram()).toContain('4.0\u00a0ms')
    expect(diagram({ language: 'fr' })).toContain('4,0\u00a0ms')
    expect(diagram()).toContain('16\u00a0ms')
  })

  it('draws the write beside the read', () => {
    const html = diagram({ write: parseWay('frontend1, backend3, db1') })
    expect(marked(html, 'write')).toEqual(['frontend1', 'backend3', 'db1'])
    expect(marked(html, 'read')).toEqual(['frontend2', 'backend1', 'db3'])
    expect(html.match(/<path class="write"/g)).toHaveLength(6)
  })

  it('tells a screen reader which instances served', () => {
    expect(diagram()).toContain('<span class="visually-hidden">(on the way of this page)</span>')
  })

  it('stops where a failed request stopped', () => {
    const html = diagram({ read: parseWay('frontend2, backend1'), failed: true })
    expect(marked(html, 'read')).toEqual(['frontend2', 'backend1'])
    expect(html.match(/<path class="read"/g)).toHaveLength(4)
    expect(html).toContain('The last to answer was backend1.')
  })

  it('draws the tiers when nobody is named', () => {
    const html = diagram({ read: UNKNOWN_WAY, failed: true })
    expect(html).not.toContain('class="read"')
    expect(html).toContain('does not say which instances')
  })

  it('names primary and replicas only when it knows the primary', () => {
    expect(diagram().match(/class="role">(\w+)/g)).toEqual(['class="role">primary', 'class="role">replica', 'class="role">replica'])
    expect(diagram({ primaryNumber: undefined })).not.toContain('class="role"')
  })

  it('draws one instance a tier and no load balancer with --single', () => {
    const html = diagram({ read: parseWay('frontend1, backend1, db1'), single: true })
    expect(html.match(/class="instance[ "]/g)).toHaveLength(3)
    expect(html).not.toContain('-lb')
    expect(html).not.toContain('class="role"')
  })

  it('makes room for a fourth instance', () => {
    expect(marked(diagram({ read: parseWay('frontend4, backend1, db1') }), 'read')).toContain('frontend4')
  })
})
