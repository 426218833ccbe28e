/**
 * The sections of the report that this project implements, without its introduction: the other half of the map, and what a lesson may name as its chapter.
 *
 * Source: "Load Balancing dans une architecture distribuée", 09.03.2025, table of contents.
 */
import type { Language } from './lesson.ts'

export interface ReportSection {
  /** "3.2"; what stands below it ("3.2.1") counts with it. */
  readonly number: string
  readonly title: Record<Language, string>
}

export const REPORT_SECTIONS: readonly ReportSection[] = [
  ['2.1', 'theory', 'concepts théoriques'],
  ['2.2', 'balancing algorithms', 'algorithmes de répartition de charge'],
  ['2.3', 'kinds of load balancers', 'types de load balancer'],
  ['3.1', 'load balancing of the frontends', 'load balancing côté frontend'],
  ['3.2', 'load balancing of the backends, sessions', 'load balancing côté backend, sessions'],
  ['3.3', 'load balancing by DNS', 'load balancing au niveau DNS'],
  ['3.4', 'caching', 'stratégies de cache'],
  ['3.5', 'load balancing of databases', 'load balancing pour les bases de données'],
  ['4.1', 'architecture of the system', 'architecture du système'],
  ['4.2', 'technologies', 'technologies utilisées'],
  ['4.3', 'first implementation, with lists', 'implémentation initiale, avec des listes'],
  ['5.1', 'from lists to PostgreSQL', 'des listes à PostgreSQL'],
  ['5.2', 'primary and replicas', 'configuration d’un primaire et de ses répliques'],
  ['5.3', 'routing of reads and writes', 'routage des lectures et des écritures'],
  ['6.1', 'method of the tests', 'méthodologie de test'],
  ['6.2', 'light load', 'tests légers'],
  ['6.3', 'intensive load, PostgreSQL', 'tests intensifs, PostgreSQL'],
  ['6.4', 'comparison', 'analyse comparative'],
  ['6.5', 'demonstration', 'démonstration pratique'],
  ['7.1', 'problems of replication', 'problèmes de réplication'],
  ['7.2', 'who answered', 'identification des réponses'],
  ['7.3', 'configuration of Nginx', 'configuration de Nginx'],
  ['8.1', 'summary of the results', 'synthèse des résultats'],
  ['8.2', 'advantages of the architecture', 'avantages de l’architecture'],
  ['8.3', 'possible improvements', 'améliorations possibles'],
  ['8.4', 'applications', 'applications pratiques'],
].map(([number, en, fr]) => ({ number: number!, title: { en: en!, fr: fr! } }))

/** "3.2.1" and "3.2" are within 3.2. */
export function isWithin(section: string, { number }: ReportSection): boolean {
  return section === number || section.startsWith(`${number}.`)
}

/** "4.1.1, 7.2" as the front matter of a lesson has it. */
export function sectionsOf(chapter: string): string[] {
  return chapter.split(',').map((section) => section.trim())
}
