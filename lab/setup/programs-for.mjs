/**
 * Which of the system's programs a verb needs. Most need none: only `up` starts servers, `--single` does so without a
 * load balancer, stage 1 without PostgreSQL, and asking for help starts nothing.
 */
export function programsFor([verb, ...args]) {
  const needed = new Set()
  if (verb !== 'up' || args.includes('--help') || args.includes('-h') || isOnContainers(args)) return needed
  if (!args.includes('--single')) needed.add('nginx')
  // Without a stage's name `up` starts both.
  if (!args.includes('stage1') || args.includes('stage2') || args.includes('both')) needed.add('postgres')
  return needed
}

/** `--runtime compose` or `--runtime=compose`: the programs are in the images. */
function isOnContainers(args) {
  return args.includes('--runtime=compose') || args[args.indexOf('--runtime') + 1] === 'compose'
}
