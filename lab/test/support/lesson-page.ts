/**
 * A small lesson as an author writes it, for tests that change one thing about it; and a shell that answers from a list.
 */
import type { ShellOutcome, Shell } from '../../walk/lesson-shell.ts'
import type { Lesson } from '../../walk/lesson.ts'
import { parseLesson } from '../../walk/parse-lesson.ts'

export const PAGE = `---
title: A title
chapter: 4.1
minutes: 10
prerequisites: []
stage: stage1
settings: ""
---

# 3. A title

## Question

What?

## Set up

\`\`\`sh
npm run lab -- up stage1 --detach
\`\`\`

## Prediction

Which?

- **A.** this
- **B.** that

<!-- answer: B -->

## Run it

Words.

<!-- step: repeat for 5 s, deadline 7 s -->

\`\`\`sh
echo "count 3"
\`\`\`

\`\`\`text
count 3
\`\`\`

You should see:

- Three of them.
  <!-- check: first /count (\\d+)/ is 3 -->
  <!-- keep: three = first /count (\\d+)/ -->

<!-- without: echo "count 1" -->

## Reading it

So it is.

## Run it: once more

\`\`\`sh
echo "count 6"
\`\`\`

\`\`\`text
count 6
\`\`\`

- Twice as many.
  <!-- check: first /count (\\d+)/ is 2 * three -->
  <!-- without: echo "count 3" -->

## Reading it: once more

## Try yourself

## In the code

## In the wild

## Clean up

\`\`\`sh
npm run lab -- start stage1/db2 || true
npm run lab -- down
\`\`\`

## Questions

<details><summary>Why?</summary>

Because.

</details>
`

/** The page with some of its text replaced, as lesson 3 or another number. */
export function lessonWith(replaced: readonly (readonly [string, string])[] = [], number = 3): Lesson {
  const page = replaced.reduce(
    (text, [from, to]) => {
      if (!text.includes(from)) throw new Error(`the page has no "${from}"`)
      return text.replaceAll(from, () => to)
    },
    PAGE.replace('# 3. ', `# ${number}. `),
  )
  return parseLesson(page, `docs/walkthrough/${String(number).padStart(2, '0')}-a-title.md`, 'en')
}

/** Answers each command with what `answer` says; remembers what it was asked. */
export class FakeShell implements Shell {
  readonly commands: string[] = []
  isClosed = false
  readonly #answer: (command: string, times: number) => Partial<ShellOutcome>

  constructor(answer: (command: string, times: number) => Partial<ShellOutcome> = echo) {
    this.#answer = answer
  }

  run(command: string): Promise<ShellOutcome> {
    this.commands.push(command)
    const times = this.commands.filter((other) => other === command).length
    return Promise.resolve({ output: '', exit: 0, ended: null, ...this.#answer(command, times) })
  }

  close(): void {
    this.isClosed = true
  }
}

/** What `echo "text"` prints. */
export function echo(command: string): Partial<ShellOutcome> {
  return { output: /^echo "(.*)"$/.exec(command)?.[1] ?? '' }
}
