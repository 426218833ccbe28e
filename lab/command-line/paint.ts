/**
 * Colours, on a terminal only. `styleText` itself looks at the stream, `NO_COLOR` and `FORCE_COLOR`, and leaves the text plain otherwise.
 */
import { styleText } from 'node:util'

function painter(style: Parameters<typeof styleText>[0], stream: NodeJS.WriteStream = process.stdout) {
  return (text: string): string => styleText(style, text, { stream })
}

export const paint = {
  good: painter('green'),
  warn: painter('yellow'),
  bad: painter('red'),
  faint: painter('dim'),
  strong: painter('bold'),
  link: painter('cyan'),
  badOnError: painter('red', process.stderr),
}

/** Pads what is seen; colour codes do not count. */
export function padded(text: string, width: number, style: (text: string) => string = String): string {
  return style(text) + ' '.repeat(Math.max(0, width - text.length))
}
