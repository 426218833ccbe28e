/** The metrics and labels that PromQL expressions name; enough of the grammar for the expressions of compose/monitoring. */

/** What stands before "{", "[", or alone where a metric may, and is no function, keyword or label. */
const NAME = /(?<![\w:."$])([a-zA-Z_:][\w:]*)(?![\w:]*\s*\()/g
const KEYWORDS = new Set(['by', 'on', 'and', 'or', 'unless', 'ignoring', 'without', 'group_left', 'group_right', 'offset', 'bool'])

/** Names of metrics, without what stands in quotes, braces, brackets or a grouping. */
export function metricsIn(expression: string): ReadonlySet<string> {
  const bare = expression
    .replaceAll(/"[^"]*"|'[^']*'/g, '')
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]/g, ' ')
    .replaceAll(/\b(by|on|ignoring|without|group_left|group_right)\s*\([^)]*\)/g, ' ')
  return new Set([...bare.matchAll(NAME)].map(([, name]) => name!).filter((name) => !KEYWORDS.has(name)))
}

/** Each selector: a metric and the labels that it is chosen by. */
export function selectorsIn(expression: string): { metric: string; labels: string[] }[] {
  return [...expression.matchAll(/([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}/g)].map(([, metric, inside]) => ({
    metric: metric!,
    labels: [...inside!.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label!),
  }))
}

/** The labels of each metric in Prometheus' text format; a histogram's under its `_bucket`, `_sum` and `_count` too. */
export function exposed(text: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  for (const [, name] of text.matchAll(/^# TYPE (\S+) \S+$/gm)) found.set(name!, new Set())
  for (const [, name, labels = ''] of text.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+/gm)) {
    const known = found.get(name!) ?? new Set()
    for (const [, label] of labels.matchAll(/(\w+)="/g)) known.add(label!)
    found.set(name!, known)
  }
  return found
}
