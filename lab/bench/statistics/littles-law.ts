/**
 * Little's law: requests in flight = rate × time in the system. It holds for every closed loop, whatever the system.
 *
 * So a published rate and latency say at what concurrency they were taken, also when the text beside them says another. The
 * report's "light" test (100 at a time, 2 326 requests/s, 433.7 ms) has 1 009 in flight: it was not that test.
 */
export function requestsInFlight(ratePerSecond: number, latencyMs: number): number {
  return (ratePerSecond * latencyMs) / 1_000
}

/** A ramp at both ends, and requests that failed early, move it by some percent; never by half. */
const TOLERANCE = 0.25

export function agreesWithLittle(ratePerSecond: number, latencyMs: number, concurrency: number): boolean {
  return Math.abs(requestsInFlight(ratePerSecond, latencyMs) / concurrency - 1) <= TOLERANCE
}
