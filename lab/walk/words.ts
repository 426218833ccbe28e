/**
 * What the walk itself says to a reader, in each language.
 */
import type { Language } from './lesson.ts'

export interface Words {
  readonly next: string
  readonly run: string
  readonly reveal: string
  readonly differs: string
  readonly byItself: string
  readonly starting: (command: string) => string
  readonly left: string
  readonly finished: string
  readonly cleaning: string
  readonly another: (title: string) => string
  readonly mayStop: (stages: string) => string
  readonly again: (steps: number) => string
  readonly guess: (letters: string) => string
  readonly right: (answer: string) => string
  readonly wrong: (mine: string | null, answer: string) => string
}

export const WORDS: Record<Language, Words> = {
  en: {
    next: '[Enter] goes on, q leaves: ',
    run: '[Enter] runs it, q leaves: ',
    reveal: 'Think first. [Enter] shows the answer: ',
    differs: 'This is not what the lesson expects:',
    byItself: '(The walk does this by itself.)',
    starting: (command) => `Setting up: ${command}`,
    left: 'Go on at this place with `npm run lab -- walk`.',
    finished: 'That was the last lesson.',
    cleaning: 'Cleaning up.',
    another: (title) => `Next: ${title}. [Enter] begins, q leaves: `,
    mayStop: (stages) => `${stages} runs, and not as this lesson needs it. Take it down? y does, anything else leaves: `,
    again: (steps) => `Running the ${steps === 1 ? 'step' : `${steps} steps`} before this place again; what follows builds on it.`,
    guess: (letters) => `Your guess (${letters}, [Enter] for none): `,
    right: (answer) => `You said ${answer}, and so it is.`,
    wrong: (mine, answer) => (mine === null ? `The answer was ${answer}.` : `You said ${mine}; it was ${answer}.`),
  },
  fr: {
    next: '[Entrée] pour continuer, q pour quitter : ',
    run: '[Entrée] pour exécuter, q pour quitter : ',
    reveal: 'Réfléchissez d’abord. [Entrée] montre la réponse : ',
    differs: 'Ce n’est pas ce que la leçon attend :',
    byItself: '(La visite s’en charge.)',
    starting: (command) => `Mise en place : ${command}`,
    left: 'Reprenez ici avec `npm run lab -- walk`.',
    finished: 'C’était la dernière leçon.',
    cleaning: 'Nettoyage.',
    another: (title) => `Ensuite : ${title}. [Entrée] pour commencer, q pour quitter : `,
    mayStop: (stages) => `${stages} tourne, mais pas comme il le faut ici. L’arrêter ? y l’arrête, toute autre réponse quitte : `,
    again: (steps) =>
      (steps === 1 ? 'L’étape précédente est rejouée' : `Les ${steps} étapes précédentes sont rejouées`) + ' : la suite s’appuie dessus.',
    guess: (letters) => `Votre réponse (${letters}, [Entrée] pour passer) : `,
    right: (answer) => `Vous avez dit ${answer}, et c’est bien cela.`,
    wrong: (mine, answer) => (mine === null ? `La réponse était ${answer}.` : `Vous avez dit ${mine} ; c’était ${answer}.`),
  },
}
