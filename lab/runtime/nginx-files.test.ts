/** The generated Nginx files: addresses, weights and policy, for each tier. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { topologyOf, type LoadBalancer } from '../topology.ts'
import { generatedFiles, testNginxFiles, writeNginxFiles } from './nginx-files.ts'
import { POLICIES } from './runtime.ts'
import { REPOSITORY } from './stage-directory.ts'

const topology = topologyOf('stage1')
const balancerOf = (name: string): LoadBalancer => topology.loadBalancers.find((balancer) => balancer.name === name)!

let prefix: string
beforeEach(() => {
  prefix = mkdtempSync(path.join(tmpdir(), 'relais-nginx-'))
})
afterEach(() => rmSync(prefix, { recursive: true, force: true }))

test('sends writes to the primary, and reads to all with the replicas first', () => {
  const files = generatedFiles(topology, balancerOf('db-lb'), 'least-conn')
  expect(files.get('listen.conf')).toBe('listen 127.0.0.1:8084 backlog=4096;\n')
  expect(files.get('policy.conf')).toBe('include policies/least-conn.conf;\n')
  expect(files.get('upstream-primary.conf')).toBe('server 127.0.0.1:18007 max_fails=1 fail_timeout=0; # db1\n')
  expect(files.get('upstream-read.conf')).toBe(
    [
      'server 127.0.0.1:18007 weight=1 max_fails=1 fail_timeout=0; # db1\n',
      'server 127.0.0.1:18008 weight=2 max_fails=1 fail_timeout=0; # db2\n',
      'server 127.0.0.1:18009 weight=2 max_fails=1 fail_timeout=0; # db3\n',
    ].join(''),
  )
})

test('gives weighted its own weights', () => {
  const weights = (name: string, file: string): unknown =>
    [
      ...generatedFiles(topology, balancerOf(name), 'weighted')
        .get(file)!
        .matchAll(/weight=(\d)/g),
    ].map(([, weight]) => Number(weight))
  expect(weights('frontend-lb', 'upstream-frontends.conf')).toEqual([1, 2, 3])
  expect(weights('db-lb', 'upstream-read.conf')).toEqual([1, 2, 4])
})

test.each([
  ['frontend-lb', ['cache-read.conf', 'cache.conf', 'limits.conf', 'sticky.conf', 'upstream-frontends.conf']],
  ['backend-lb', ['cache-read.conf', 'cache.conf', 'upstream-backends.conf']],
  ['db-lb', ['upstream-primary.conf', 'upstream-read.conf', 'upstream-replicas.conf']],
])('writes for %s what it includes, and nothing else', (name, own) => {
  const files = [...generatedFiles(topology, balancerOf(name), 'round-robin').keys()]
  expect(files.toSorted()).toEqual([...own, 'listen.conf', 'policy.conf', 'process.conf', 'resolver.conf'].toSorted())
  const text = readFileSync(path.join(REPOSITORY, 'nginx', `${name}.conf`), 'utf8')
  const elsewhere = ['process.conf']
  expect(files.filter((file) => !text.includes(`include generated/${file};`))).toEqual(elsewhere)
})

test('refuses a client at its limit before the worker runs out of connections, and has a descriptor for each', () => {
  const numberIn = (snippet: string, directive: RegExp): number =>
    Number(directive.exec(readFileSync(path.join(REPOSITORY, 'nginx/snippets', snippet), 'utf8'))![1])
  const connections = numberIn('process.conf', /^ *worker_connections +(\d+);/m)
  const inProgress = numberIn('rate-limits.conf', /^limit_conn +in_progress (\d+);/m)
  const idle = numberIn('upstream-keepalive.conf', /^keepalive (\d+);/m)
  expect(2 * inProgress + idle).toBeLessThan(connections)
  expect(numberIn('process.conf', /^worker_rlimit_nofile (\d+);/m)).toBeGreaterThan(connections)
})

test('what the README adds to the edge for a real network is accepted', async ({ skip }) => {
  if (spawnSync('openssl', ['version']).status !== 0) skip('there is no openssl here to make a certificate with')
  const readme = readFileSync(path.join(REPOSITORY, 'nginx/README.md'), 'utf8')
  const section = readme.slice(readme.indexOf('## On a real network'), readme.indexOf('## Adding a header'))
  const snippets = [...section.matchAll(/```nginx\n([^`]+)```/g)].map(([, text]) => text!)
  expect(snippets).toHaveLength(2)
  const [certificate, key] = ['fullchain.pem', 'privkey.pem'].map((name) => path.join(prefix, name)) as [string, string]
  const openssl = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=localhost']
  execFileSync('openssl', [...openssl, '-keyout', key, '-out', certificate], { stdio: 'ignore', timeout: 10_000 })
  const added = snippets.join('').replace('443', '8443').replaceAll('/etc/ssl/relais', prefix)
  const balancer = balancerOf('frontend-lb')
  writeNginxFiles(topology, balancer, prefix, null)
  const file = path.join(prefix, 'conf/frontend-lb.conf')
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace('include generated/listen.conf;', (line) => `${line}\n${added}`),
  )
  await expect(testNginxFiles(balancer, prefix)).resolves.toBeUndefined()
})

test.each(POLICIES)('writes files that Nginx accepts with the policy %s', async (policy) => {
  for (const balancer of topology.loadBalancers) {
    writeNginxFiles(topology, balancer, path.join(prefix, balancer.name), policy)
    await expect(testNginxFiles(balancer, path.join(prefix, balancer.name))).resolves.toBeUndefined()
  }
})
