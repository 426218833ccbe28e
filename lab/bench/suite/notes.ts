/** How things are measured on any runtime, in sentences for the report. */
export const COMMON_NOTES: readonly string[] = [
  'A newly started cluster first gets thousands of requests that are not counted, so that no test measures the compilation of code.',
  'Each test begins with a reset, after which no record is left and every replica has caught up. Stage 1: every record is deleted through the API. Stage 2: the tables are emptied, a checkpoint is made, and the standbys have replayed it. No process is restarted.',
  'At each reset, every tier opens its connections to the next one.',
  'In a closed loop, every client opens its connection and gets one uncounted answer over it before the first request is sent and the clock starts, so no latency includes opening a connection. A new user pays for that as well: an instance with a small share of CPU accepts new connections slowly, Nginx accepts them at once. In an open loop, connections are opened when they are needed, and the latencies include that.',
  'The load balancers are never held to a share of CPU: it is the instances that are compared.',
  'The generator, the load balancers and the instances share this machine.',
]

/** Where the runtime can change a share while its instance runs. */
export const LIFTED_NOTE = 'While a test is being prepared, no instance is held to its share.'
