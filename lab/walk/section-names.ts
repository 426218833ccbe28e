/**
 * What the sections of a lesson are called, in each language, and in which order they stand.
 */
import type { Language, SectionKind } from './lesson.ts'

export const SECTION_NAMES: Record<Language, Record<SectionKind, string>> = {
  en: {
    question: 'Question',
    'set-up': 'Set up',
    prediction: 'Prediction',
    run: 'Run it',
    reading: 'Reading it',
    try: 'Try yourself',
    code: 'In the code',
    wild: 'In the wild',
    'clean-up': 'Clean up',
    questions: 'Questions',
  },
  fr: {
    question: 'Question',
    'set-up': 'Mise en place',
    prediction: 'Prédiction',
    run: 'À exécuter',
    reading: 'Explication',
    try: 'À vous de jouer',
    code: 'Dans le code',
    wild: 'Ailleurs',
    'clean-up': 'Nettoyage',
    questions: 'Questions',
  },
}

/** One letter a section, so that the order is a regular expression: Q S (P? R L)+ T C W U q. */
const LETTERS: Record<SectionKind, string> = {
  question: 'Q',
  'set-up': 'S',
  prediction: 'P',
  run: 'R',
  reading: 'L',
  try: 'T',
  code: 'C',
  wild: 'W',
  'clean-up': 'U',
  questions: 'E',
}

/** The kind that a heading names, "Run it: kill one" included; `undefined` for any other heading. */
export function kindOfHeading(heading: string, language: Language): SectionKind | undefined {
  const name = heading.split(':')[0]!.trim()
  return (Object.keys(LETTERS) as SectionKind[]).find((kind) => SECTION_NAMES[language][kind] === name)
}

/** A first round begins with a prediction; a later one may go without. */
export function isInOrder(kinds: readonly SectionKind[]): boolean {
  return /^QSPRL(P?RL)*TCWUE$/.test(kinds.map((kind) => LETTERS[kind]).join(''))
}
