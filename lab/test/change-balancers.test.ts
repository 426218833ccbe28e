/** A change of several load balancers is made at none of them where one does not run or Nginx refuses its files. */
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { changeBalancers, policyInForce } from '../runtime/change-balancers.ts'
import { policyFiles } from '../runtime/nginx-files.ts'
import { RunningStage } from './support/running-stage.ts'

let stage: RunningStage
beforeAll(async () => {
  stage = await RunningStage.start()
})
afterAll(() => stage.remove())

const policies = (): string[] => stage.topology.loadBalancers.map((balancer) => policyInForce(stage.directory, balancer))
const change = (isWrong: (name: string) => boolean): Promise<void> =>
  changeBalancers(path.dirname(stage.directory.root), 'stage1', stage.topology.loadBalancers, (topology, balancer) =>
    isWrong(balancer.name) ? new Map([['policy.conf', 'nonsense;\n']]) : policyFiles(topology, balancer, 'hash'),
  )

test('changes none when Nginx refuses the files of one', async () => {
  await expect(change((name) => name === 'db-lb')).rejects.toThrow('nginx -t refused its files')
  expect(policies()).toEqual(['round-robin', 'round-robin', 'least-conn'])
})

test('changes none when one does not run', async () => {
  await stage.kill('db-lb')
  await expect(change(() => false)).rejects.toThrow('stage1/db-lb: it does not run')
  expect(policies()).toEqual(['round-robin', 'round-robin', 'least-conn'])
})
