/**
 * One request of the demo, as `curl` would send it, with a deadline. An answer of any status is an answer; none is status 0.
 */
export interface Answer {
  readonly status: number
  /** `X-Served-By`, outermost first: "frontend2, backend1, db3". */
  readonly servedBy: readonly string[]
  readonly body: Record<string, unknown>
}

const ASK_MS_MAX = 10_000

export async function ask(method: 'GET' | 'POST', url: string, body?: unknown): Promise<Answer> {
  const content = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  try {
    const response = await fetch(url, { method, signal: AbortSignal.timeout(ASK_MS_MAX), ...content })
    const servedBy = response.headers.get('x-served-by')?.split(/,\s*/) ?? []
    return { status: response.status, servedBy, body: parse(await response.text()) }
  } catch (error) {
    return { status: 0, servedBy: [], body: { detail: String((error as Error).cause ?? error) } }
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : { value }
  } catch {
    return { text: text.slice(0, 200) }
  }
}
