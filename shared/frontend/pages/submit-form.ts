/**
 * The form that saves a message, without a script.
 *
 * The hidden key is made once for each form that is shown: a form sent twice, by a double click or after a timeout,
 * is one write. Another text under a key that was used (the back button brings an old form back) is refused as
 * `idempotency-key-reused`, and the form that comes with the refusal has a new key.
 *
 * It is sent as multipart because the other encoding makes three bytes of one: 10 000 characters of Chinese would be above
 * the limit for bodies.
 */
import { html } from 'hono/html'
import { pageLink, type Carried } from './language.ts'
import type { Html } from './layout.ts'
import { MESSAGES } from './messages.ts'

export interface FormView {
  /** What the visitor typed, after a submit that failed; otherwise empty. */
  readonly message: string
  /** Sent on as `Idempotency-Key`: new with each form, and kept with its text. */
  readonly idempotencyKey: string
  /** An earlier attempt under this key may have been written, whatever is said of the latest one. */
  readonly mayBeSaved?: boolean
}

/** UTF-16 units in the browser, so never more than the characters that the backend counts. */
const MESSAGE_LENGTH_MAX = 10_000

/**
 * `describedBy` is the id of the notice that says what is wrong with the message, if any. HTML drops a line break that
 * comes first in a textarea: the template has one, so that the visitor's own is kept.
 */
export function submitForm(form: FormView, choice: Carried, describedBy?: string): Html {
  const text = MESSAGES[choice.language]
  const invalid = describedBy === undefined ? '' : html`aria-invalid="true"`
  return html`<form class="submit" method="post" action="${pageLink('/submit', {}, choice)}" enctype="multipart/form-data">
    <input type="hidden" name="key" value="${form.idempotencyKey}" />
    ${form.mayBeSaved ? html`<input type="hidden" name="may-be-saved" value="1" />` : ''}
    <label for="message">${text.messageLabel}</label>
    <textarea
      id="message"
      name="message"
      rows="3"
      maxlength="${MESSAGE_LENGTH_MAX}"
      required
      dir="auto"
      aria-describedby="${['message-hint', describedBy].filter(Boolean).join(' ')}"
      ${invalid}
    >
${form.message}</textarea>
    <div class="submit-row">
      <p id="message-hint" class="fine">${text.messageHint}</p>
      <button type="submit">${text.save}</button>
    </div>
  </form>`
}

/** A form sends each line break as CR LF (HTML, form data set); a record keeps the LF that was typed. */
export function messageFromForm(value: string): string {
  return value.replace(/\r\n?/g, '\n')
}
