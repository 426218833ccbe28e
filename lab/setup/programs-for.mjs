/**
 * Which of the system's programs a verb needs. Most need none: only `up` starts servers, `--single` does so without a
 * load balancer, and asking for help starts nothing.
 */

/** Stages that `up` starts without being told which; PostgreSQL is needed once stage 2 is one of them. Kept equal to lab/topology.ts by a test. */
export const AVAILABLE_STAGES = ['stage1', 'stage2']

export function programsFor([verb, ...args]) {
  const needed = new Set()
  if (verb !== 'up' || args.includes('--help') || args.includes('-h')) return needed
  if (!args.includes('--single')) needed.add('nginx')
  const named = args.filter((arg) => ['stage1', 'stage2', 'both'].includes(arg))
  const stages = named.length === 0 ? AVAILABLE_STAGES : named
  const isStage2 = stages.includes('stage2') || stages.includes('both')
  if (isStage2 && AVAILABLE_STAGES.includes('stage2')) needed.add('postgres')
  return needed
}
