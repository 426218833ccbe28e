/** Where this machine has Prometheus and the exporters, under Debian's names or their own; `undefined` where it has not. */
import { findProgram } from '../../setup/find-program.mjs'

export const PROMETHEUS: string | undefined = findProgram('prometheus')
export const POSTGRES_EXPORTER: string | undefined = findProgram('prometheus-postgres-exporter') ?? findProgram('postgres_exporter')
export const NGINX_EXPORTER: string | undefined = findProgram('prometheus-nginx-exporter') ?? findProgram('nginx-prometheus-exporter')

/** `undefined` when all three are there. */
export function whyNoMonitoring(): string | undefined {
  const programs = {
    prometheus: PROMETHEUS,
    'prometheus-postgres-exporter': POSTGRES_EXPORTER,
    'prometheus-nginx-exporter': NGINX_EXPORTER,
  }
  const missing = Object.entries(programs).flatMap(([name, program]) => (program === undefined ? [name] : []))
  return missing.length === 0 ? undefined : `not installed: ${missing.join(', ')}`
}
