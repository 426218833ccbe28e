/**
 * Which of the system's programs a verb needs. Most need none: servers are started by `up`, and by `walk` and `bench`, which do so
 * where nobody can type a password any more; so what they need is installed here, at the door. `--single` starts no load balancer,
 * stage 1 no PostgreSQL, and asking for help nothing at all.
 */
const STARTING_VERBS = new Set(['up', 'walk', 'bench'])
/** The last three are of `walk`, which then only reads or writes pages. */
const STARTING_NOTHING = ['--help', '-h', '--proofread', '--map', '--pictures']

export function programsFor([verb, ...args]) {
  // `--runtime=compose` says the same as `--runtime compose`.
  const words = args.flatMap((arg) => arg.split('='))
  const says = (...some) => some.some((word) => words.includes(word))
  const needed = new Set()
  if (!STARTING_VERBS.has(verb) || says(...STARTING_NOTHING) || isOnContainers(words)) return needed
  if (!says('--single')) needed.add('nginx')
  // Without a stage's name it is both.
  if (!says('stage1') || says('stage2', 'both')) needed.add('postgres')
  return needed
}

/** The programs are in the images. */
function isOnContainers(words) {
  return words[words.indexOf('--runtime') + 1] === 'compose'
}
