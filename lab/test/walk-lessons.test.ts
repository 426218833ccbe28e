/** The lessons themselves: in order on paper, and lesson 1 for real, with each of its effects switched off. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { REPOSITORY } from '../runtime/stage-directory.ts'
import { proofreadAll } from '../walk/proofread-all.ts'
import { picture } from '../walk/pictures/backoff-and-jitter.ts'
import { picture as storm } from '../walk/pictures/retry-storm.ts'
import { CLI, TestCluster } from './test-cluster.ts'

test('every lesson is in order, in every language', () => {
  const { lessons, findings } = proofreadAll()
  expect(findings).toEqual([])
  expect(lessons).toBeGreaterThanOrEqual(1)
})

test('the picture of backoff and jitter is the same whenever it is drawn, and shows that jitter lowers the waves', async () => {
  const svg = await picture.draw()
  expect(await picture.draw()).toBe(svg)
  const [none, equal, full] = [...svg.matchAll(/highest wave after the first second: (\d+) calls/g)].map(([, calls]) => Number(calls))
  expect(none).toBe(200)
  expect(equal).toBeLessThan(none!)
  expect(full).toBeLessThan(equal!)
})

test.each([picture, storm])('the picture $file on the page is what its code draws today', async ({ file, draw }) => {
  expect(await draw()).toBe(readFileSync(path.join(REPOSITORY, 'docs/walkthrough/pictures', file), 'utf8'))
})

describe('lesson 1', () => {
  let cluster: TestCluster
  beforeAll(async () => {
    cluster = await TestCluster.create('stage1')
  })
  afterAll(() => cluster.remove())

  test('holds on a real stage, and each claim notices when its cause is missing', { timeout: 180_000 }, async () => {
    const { code, output } = await walk(['1', '--check', '--without'])
    expect(output).toMatch(/✓ 1\. .*claims hold.*stage started\n1 of 1 lessons hold\./)
    expect(code).toBe(0)
    expect((await cluster.status('stage1')).state).toBe('stopped')
  })

  test('is left by Ctrl-C with its stage taken down', { timeout: 180_000 }, async () => {
    const { code, output } = await walk(['1'], (child, text) => {
      // The stage is up when the first section is shown; nobody types, so it waits.
      if (text.includes('── Question ──')) child.kill('SIGINT')
    })
    expect(output).toContain('Go on at this place')
    expect(code).toBe(1)
    expect((await cluster.status('stage1')).state).toBe('stopped')
  })

  async function walk(
    args: readonly string[],
    heard: (child: ReturnType<typeof spawn>, text: string) => void = () => {},
  ): Promise<{ code: number; output: string }> {
    const child = spawn(process.execPath, [CLI, 'walk', ...args], { env: cluster.environment, stdio: 'pipe' })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk
        heard(child, output)
      })
    }
    const [code] = (await once(child, 'close')) as [number]
    return { code, output }
  }
})
