/** How it is measured whatever the runtime, in sentences for the report. */
export const COMMON_NOTES: readonly string[] = [
  'A cluster that has just been started gets some thousand requests that are not counted, so that no test measures the compiling of code.',
  'Before each test there is a reset, after which no record is left and every replica is level. Stage 1: every record is deleted by the API. Stage 2: the tables are emptied, a checkpoint is made, and the standbys have replayed it. No process is started anew.',
  'At each reset all tiers open their connections to the next one.',
  'In a closed loop every client has its connection, and has had one answer over it that is not counted, before the first request and the clock begin. So no latency holds the opening of a connection. A user who comes anew pays for it besides: an instance within a small share accepts new connections slowly, Nginx at once. In an open loop connections are opened when they are needed, and that is in its latencies.',
  'The load balancers are never held to a share of CPU: what is compared is the instances.',
  'Generator, load balancers and instances share this machine.',
]

/** Where the runtime can change a share while its instance runs. */
export const LIFTED_NOTE = 'While a test is being prepared no instance is held to its share.'
