/**
 * Every word of the pages, in every language: a text that lacks a translation does not compile.
 *
 * English sentences are in `ERRORS` as well, for programs; `problems` is the same table for people. French puts a
 * narrow no-break space before high punctuation marks, hence the escapes.
 */
import { ERRORS, type ErrorSlug } from '../../http/errors.ts'
import type { Language } from './language.ts'

export interface ProblemText {
  readonly title: string
  readonly meaning: string
}

export interface Messages {
  /** Its own name for itself, for the link that leads to it. */
  readonly languageName: string
  readonly description: string
  readonly skipToContent: string
  readonly siteNavigation: string
  readonly home: string
  readonly allRecords: string
  readonly stages: Readonly<Record<'stage1' | 'stage2', string>>

  readonly homeHeading: string
  readonly homeLead: string
  readonly homeLeadSingle: string
  readonly messageLabel: string
  readonly messageHint: string
  readonly save: string

  readonly savedHeading: (id: number) => string
  readonly savedBy: (origin: string) => string
  readonly savedVia: (instances: string) => string
  readonly notYetAt: (instance: string) => string
  readonly goneSince: string
  readonly showRecord: string

  readonly wayHeading: string
  readonly wayHeadingFailed: string
  readonly wayUnknown: string
  readonly readVia: (instances: string) => string
  readonly endedAt: (instance: string) => string
  readonly timesInclude: string
  readonly browser: string
  readonly primary: string
  readonly replica: string
  readonly onReadWay: string
  readonly onWriteWay: string
  readonly read: string
  readonly write: string
  readonly copied: string
  readonly again: string

  readonly newestRecords: string
  readonly recordsHeading: string
  readonly noRecords: string
  readonly noRecordsLead: string
  readonly noRecordsLeadSingle: string
  readonly noOlderRecords: string
  readonly recordName: (id: number) => string
  readonly writtenBy: (origin: string) => string
  readonly changed: string
  readonly showAll: (characters: string) => string
  readonly older: string
  readonly newest: string
  readonly pages: string
  readonly servedBy: (instances: string) => string

  readonly notSaved: string
  readonly maybeSaved: string
  readonly notSavedAdvice: string
  readonly otherTextAdvice: string
  readonly maybeSavedAdvice: string
  readonly requestId: string
  readonly detailInEnglish: string
  readonly backHome: string
  readonly problems: Readonly<Record<ErrorSlug, ProblemText>>

  readonly historyUpTo: string
  readonly asJson: string
}

const EN: Messages = {
  languageName: 'English',
  description: 'A lab for load balancing and replication: save a message and see which way it takes.',
  skipToContent: 'Skip to content',
  siteNavigation: 'Main navigation',
  home: 'Home',
  allRecords: 'All records',
  stages: { stage1: 'Stage 1 · lists in memory', stage2: 'Stage 2 · PostgreSQL' },

  homeHeading: 'Save a message, see the way it takes',
  homeLead: 'Three tiers stand behind this page: each is three instances behind a load balancer, and every request finds its own way.',
  homeLeadSingle: 'Three tiers stand behind this page, one instance each and no load balancer: every request takes the only way there is.',
  messageLabel: 'Message',
  messageHint: 'Up to 10,000 characters, in any script.',
  save: 'Save message',

  savedHeading: (id) => `Record ${id} is saved`,
  savedBy: (origin) => `${origin} took the write.`,
  savedVia: (instances) => `It went through ${instances}.`,
  notYetAt: (instance) => `This page was read from ${instance}, where the record has not arrived yet.`,
  goneSince: 'The record is not there any more.',
  showRecord: 'Show it',

  wayHeading: 'The way this page took',
  wayHeadingFailed: 'How far the request came',
  wayUnknown: 'The answer does not say which instances served it.',
  readVia: (instances) => `Served by ${instances}.`,
  endedAt: (instance) => `The last to answer was ${instance}.`,
  timesInclude: 'Each time includes the tiers below it.',
  browser: 'your browser',
  primary: 'primary',
  replica: 'replica',
  onReadWay: 'on the way of this page',
  onWriteWay: 'on the way of the write',
  read: 'read',
  write: 'write',
  copied: 'The primary’s writes are copied to the replicas.',
  again: 'Take another way',

  newestRecords: 'Newest records',
  recordsHeading: 'Records',
  noRecords: 'No records yet',
  noRecordsLead: 'The first message you save goes to the primary, and from there to the replicas.',
  noRecordsLeadSingle: 'The first message you save goes to the only database there is.',
  noOlderRecords: 'There are no older records.',
  recordName: (id) => `Record ${id}`,
  writtenBy: (origin) => `written on ${origin}`,
  changed: 'changed',
  showAll: (characters) => `Show all ${characters} characters`,
  older: 'Older',
  newest: 'Newest',
  pages: 'Pages of records',
  servedBy: (instances) => `This page came by way of ${instances}.`,

  notSaved: 'The message was not saved',
  maybeSaved: 'The message may or may not have been saved',
  notSavedAdvice: 'It certainly was not written. Your text is still in the form.',
  otherTextAdvice: 'Your text is still in the form, and the form has a new key now: send it again to save it.',
  maybeSavedAdvice:
    'Sending the same form again is safe: it carries a key, and what is sent twice under one key is saved once. Leave the text as it is.',
  requestId: 'Request',
  detailInEnglish: 'Detail, in English:',
  backHome: 'Back to the home page',
  problems: englishProblems(),

  historyUpTo: 'History up to',
  asJson: 'These records as JSON',
}

const FR: Messages = {
  languageName: 'Français',
  description: 'Un laboratoire de répartition de charge et de réplication\u202f: enregistrez un message, voyez le chemin qu’il prend.',
  skipToContent: 'Aller au contenu',
  siteNavigation: 'Navigation principale',
  home: 'Accueil',
  allRecords: 'Tous les messages',
  stages: { stage1: 'Étape 1 · listes en mémoire', stage2: 'Étape 2 · PostgreSQL' },

  homeHeading: 'Enregistrez un message, voyez le chemin qu’il prend',
  homeLead:
    'Derrière cette page, trois étages\u202f: chacun compte trois instances derrière un répartiteur de charge, et chaque requête suit son propre chemin.',
  homeLeadSingle:
    'Derrière cette page, trois étages d’une seule instance chacun, sans répartiteur de charge\u202f: chaque requête suit le seul chemin qui existe.',
  messageLabel: 'Message',
  messageHint: 'Jusqu’à 10\u202f000 caractères, dans toutes les écritures.',
  save: 'Enregistrer le message',

  savedHeading: (id) => `Le message ${id} est enregistré`,
  savedBy: (origin) => `${origin} a reçu l’écriture.`,
  savedVia: (instances) => `Elle est passée par ${instances}.`,
  notYetAt: (instance) => `Cette page a été lue sur ${instance}, où le message n’est pas encore arrivé.`,
  goneSince: 'Le message n’existe plus.',
  showRecord: 'Le voir',

  wayHeading: 'Le chemin de cette page',
  wayHeadingFailed: 'Jusqu’où la requête est allée',
  wayUnknown: 'La réponse ne dit pas quelles instances l’ont servie.',
  readVia: (instances) => `Servie par ${instances}.`,
  endedAt: (instance) => `La dernière à répondre a été ${instance}.`,
  timesInclude: 'Chaque durée comprend celles des étages inférieurs.',
  browser: 'votre navigateur',
  primary: 'primaire',
  replica: 'réplique',
  onReadWay: 'sur le chemin de cette page',
  onWriteWay: 'sur le chemin de l’écriture',
  read: 'lecture',
  write: 'écriture',
  copied: 'Les écritures du primaire sont copiées sur les répliques.',
  again: 'Prendre un autre chemin',

  newestRecords: 'Derniers messages',
  recordsHeading: 'Messages',
  noRecords: 'Aucun message pour l’instant',
  noRecordsLead: 'Le premier message que vous enregistrerez ira sur le primaire, et de là sur les répliques.',
  noRecordsLeadSingle: 'Le premier message que vous enregistrerez ira sur la seule base de données qui existe.',
  noOlderRecords: 'Il n’y a pas de message plus ancien.',
  recordName: (id) => `Message ${id}`,
  writtenBy: (origin) => `écrit sur ${origin}`,
  changed: 'modifié',
  showAll: (characters) => `Afficher les ${characters} caractères`,
  older: 'Plus anciens',
  newest: 'Les derniers',
  pages: 'Pages de messages',
  servedBy: (instances) => `Cette page est passée par ${instances}.`,

  notSaved: 'Le message n’a pas été enregistré',
  maybeSaved: 'Le message a peut-être été enregistré, ou peut-être pas',
  notSavedAdvice: 'Il n’a certainement pas été écrit. Votre texte est toujours dans le formulaire.',
  otherTextAdvice: 'Votre texte est toujours dans le formulaire, qui a maintenant une nouvelle clé\u202f: renvoyez-le pour l’enregistrer.',
  maybeSavedAdvice:
    'Vous pouvez renvoyer le même formulaire sans risque\u202f: il porte une clé, et ce qui est envoyé deux fois sous la même clé n’est enregistré qu’une fois. Ne modifiez pas le texte.',
  requestId: 'Requête',
  detailInEnglish: 'Détail, en anglais\u202f:',
  backHome: 'Retour à l’accueil',
  problems: {
    'malformed-request': { title: 'Requête mal formée', meaning: 'Les octets reçus ne respectent pas HTTP, UTF-8 ou JSON.' },
    'invalid-parameter': {
      title: 'Paramètre non valide',
      meaning: 'Un paramètre ou un en-tête de la requête a une valeur hors limites ou mal formée.',
    },
    unauthorized: { title: 'Non autorisé', meaning: 'Appel entre nœuds sans signature valable et récente de ce groupe.' },
    'not-primary': {
      title: 'Ce n’est pas le primaire',
      meaning: 'Une écriture a été envoyée à une réplique\u202f; seul le primaire en accepte.',
    },
    'cross-site-form': {
      title: 'Formulaire d’un autre site',
      meaning: 'Le navigateur indique qu’une page d’un autre site a envoyé ce formulaire\u202f; seules nos propres pages le peuvent.',
    },
    'not-found': { title: 'Introuvable', meaning: 'Il n’y a ni message ni page à cette adresse.' },
    'method-not-allowed': { title: 'Méthode non permise', meaning: 'Cette adresse existe, mais pas avec cette méthode.' },
    'request-timeout': { title: 'Requête trop lente', meaning: 'La requête n’est pas arrivée en entier à temps.' },
    'replication-conflict': {
      title: 'Conflit de réplication',
      meaning: 'Entre nœuds\u202f: les enregistrements reçus ne font pas suite à ceux de cette réplique.',
    },
    'precondition-failed': {
      title: 'Condition non remplie',
      meaning: 'Le message existe, et une condition envoyée avec l’écriture s’y oppose.',
    },
    'body-too-large': { title: 'Contenu trop volumineux', meaning: 'La requête dépasse 64\u202fKio.' },
    'uri-too-long': { title: 'Adresse trop longue', meaning: 'L’adresse dépasse 8\u202fKio.' },
    'unsupported-media-type': {
      title: 'Format non pris en charge',
      meaning: 'Le contenu doit être du JSON en UTF-8, sans compression.',
    },
    'invalid-content': {
      title: 'Contenu non valide',
      meaning: 'Le contenu enfreint une règle\u202f: un type, une longueur, un caractère ou un champ inconnu.',
    },
    'idempotency-key-reused': {
      title: 'Clé déjà utilisée',
      meaning: 'Une autre écriture a été faite sous cette clé\u202f; celle-ci ne l’a pas été.',
    },
    'too-many-requests': { title: 'Trop de requêtes', meaning: 'Cette adresse a dépassé sa limite\u202f; patientez un instant.' },
    'headers-too-large': { title: 'En-têtes trop longs', meaning: 'Les en-têtes de la requête dépassent la taille permise.' },
    'client-gone': { title: 'Client parti', meaning: 'Le client est parti avant la réponse.' },
    'internal-error': {
      title: 'Erreur interne',
      meaning: 'C’est un défaut de notre part\u202f; le journal le contient sous le numéro de la requête.',
    },
    'upstream-cut': {
      title: 'Connexion coupée en amont',
      meaning: 'L’étage suivant a reçu la requête et a disparu avant de répondre.',
    },
    'upstream-unavailable': {
      title: 'Étage suivant injoignable',
      meaning: 'L’étage suivant n’a pas pu être joint\u202f: la requête ne lui a pas été envoyée.',
    },
    overloaded: { title: 'Surcharge', meaning: 'La file d’attente est pleine\u202f; la requête n’a pas été commencée.' },
    'not-ready': {
      title: 'Pas encore prêt',
      meaning: 'Cette instance démarre, s’arrête, ou n’a encore rien de complet à servir.',
    },
    'replica-behind': { title: 'Réplique en retard', meaning: 'Cette réplique n’a pas encore reçu ce que vous avez déjà vu.' },
    'not-enough-replicas': {
      title: 'Pas assez de répliques',
      meaning: 'La durabilité demandée ne peut pas être atteinte\u202f; l’écriture a été refusée avant d’être faite.',
    },
    'store-unavailable': {
      title: 'Base de données injoignable',
      meaning: 'La base de données n’a pas pu être jointe\u202f; rien ne lui a été envoyé.',
    },
    'store-full': {
      title: 'Mémoire pleine',
      meaning: 'La mémoire réservée aux messages est épuisée\u202f; en supprimer fait de la place.',
    },
    'upstream-timeout': { title: 'Pas de réponse à temps', meaning: 'L’étage suivant n’a pas répondu à temps.' },
    'replication-timeout': {
      title: 'Réplication non confirmée à temps',
      meaning: 'Le primaire a l’écriture, mais trop peu de répliques l’ont confirmée à temps.',
    },
    'outcome-unknown': {
      title: 'Résultat inconnu',
      meaning: 'La base de données n’a pas dit à temps si l’écriture a été faite.',
    },
  },

  historyUpTo: 'Historique jusqu’à',
  asJson: 'Ces messages en JSON',
}

export const MESSAGES: Readonly<Record<Language, Messages>> = { en: EN, fr: FR }

function englishProblems(): Record<ErrorSlug, ProblemText> {
  const entries = Object.entries(ERRORS).map(([slug, { title, meaning }]) => [slug, { title, meaning }])
  return Object.fromEntries(entries) as Record<ErrorSlug, ProblemText>
}
