/** Instance names as one phrase of a sentence: "frontend2, backend1 and db3", "frontend2, backend1 et db3". */
import type { Language } from './language.ts'
import { instanceNames, type Way } from './way.ts'

const LISTS: Readonly<Record<Language, Intl.ListFormat>> = {
  en: new Intl.ListFormat('en-GB', { type: 'conjunction' }),
  fr: new Intl.ListFormat('fr-FR', { type: 'conjunction' }),
}

/** Empty for a way that names nobody. */
export function wayPhrase(way: Way, language: Language): string {
  return LISTS[language].format(instanceNames(way))
}
