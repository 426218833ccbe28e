/**
 * "Did you mean …?": the known word that is the fewest edits away from what was typed, if it is near enough to be meant.
 */
export function closest(typed: string, words: readonly string[]): string | undefined {
  const near = words
    .map((word) => ({ word, edits: editDistance(typed.toLowerCase(), word) }))
    .filter(({ word, edits }) => edits <= limitFor(word))
  return near.sort((a, b) => a.edits - b.edits)[0]?.word
}

function limitFor(word: string): number {
  return Math.max(1, Math.floor(word.length / 3))
}

/** Levenshtein's distance: insertions, deletions and replacements of one character. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[to.length]!
}
