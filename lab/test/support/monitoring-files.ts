/** The files of compose/monitoring as the tests need them: every expression with the place where it stands. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { REPOSITORY } from '../../runtime/stage-directory.ts'

export const MONITORING = path.join(REPOSITORY, 'compose/monitoring')

const rule = z.object({
  record: z.string().optional(),
  alert: z.string().optional(),
  expr: z.string(),
  for: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.object({ summary: z.string() }).optional(),
})
const rulesFile = z.object({ groups: z.array(z.object({ name: z.string(), rules: z.array(rule) })) })

const target = z.object({
  refId: z.string(),
  expr: z.string(),
  legendFormat: z.string(),
  datasource: z.object({ type: z.string(), uid: z.string() }),
})
const panel = z.object({
  id: z.number(),
  type: z.enum(['row', 'timeseries', 'stat']),
  title: z.string().min(1),
  description: z.string().optional(),
  gridPos: z.object({ h: z.number(), w: z.number(), x: z.number(), y: z.number() }),
  datasource: z.object({ type: z.literal('prometheus'), uid: z.string() }).optional(),
  fieldConfig: z.object({ defaults: z.object({ unit: z.string() }) }).optional(),
  targets: z.array(target).default([]),
})
const dashboardFile = z.object({
  uid: z.string(),
  title: z.string(),
  schemaVersion: z.number(),
  panels: z.array(panel),
  templating: z.object({
    list: z.array(z.object({ name: z.string(), definition: z.string(), datasource: z.object({ uid: z.string() }) })),
  }),
})

const sourcesFile = z.object({ datasources: z.array(z.object({ uid: z.string(), type: z.string(), url: z.string() })) })

const relabel = z.object({ source_labels: z.array(z.string()).default([]), regex: z.string(), target_label: z.string().optional() })
const prometheusFile = z.object({
  scrape_configs: z.array(
    z.object({
      job_name: z.string(),
      static_configs: z.array(z.object({ targets: z.array(z.string()) })),
      relabel_configs: z.array(relabel).default([]),
      metric_relabel_configs: z.array(relabel).default([]),
    }),
  ),
})

export const RULES = rulesFile.parse(parse(read('rules.yaml'))).groups.flatMap(({ rules }) => rules)
export const DASHBOARD = dashboardFile.parse(JSON.parse(read('grafana/dashboards/relais.json')))
export const SOURCES = sourcesFile.parse(parse(read('grafana/provisioning/datasources/prometheus.yaml'))).datasources
export const JOBS = prometheusFile.parse(parse(read('prometheus.yaml'))).scrape_configs

/** Every expression, with the rule or the panel that it is of. */
export const EXPRESSIONS: readonly { place: string; expr: string }[] = [
  ...RULES.map(({ record, alert, expr }) => ({ place: `rule ${record ?? alert}`, expr })),
  ...DASHBOARD.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ place: `panel ${title}`, expr }))),
]

export function read(name: string): string {
  return readFileSync(path.join(MONITORING, name), 'utf8')
}
