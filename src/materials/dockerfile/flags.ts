import type { Instruction } from './instructions.ts'
import { notExpanded, type Pull } from './pull.ts'
import type { Scope } from './scope.ts'
import { type Escape, expandWord } from './words.ts'

type Found = Omit<Pull, 'needed'>

/**
 * `RUN --mount=type=…,from=…`. Quotes and escapes inside a flag are dropped by the builder before it splits at commas, so
 * they are here; the key in any case of letters.
 */
export function mountSources({ flags, line }: Instruction): readonly Found[] {
  const mounts = flags.filter(({ name }) => name === 'mount')
  return mounts.flatMap(({ value }) =>
    value
      .replace(/["'\\`]/g, '')
      .split(',')
      .flatMap(part => {
        const [, from] = /^\s*from\s*=\s*(.*?)\s*$/i.exec(part) ?? []
        return from === undefined ? [] : [{ how: 'mount-from' as const, line, written: from, ...notExpanded(from) }]
      }),
  )
}

/** Remote sources of ADD: everything but the last word, which is where it goes. */
export function addSources(instruction: Instruction, scope: Scope, mark: Escape): readonly Found[] {
  const { words, flags, line } = instruction
  const checksum = flags.find(({ name }) => name === 'checksum')?.value
  return words.slice(0, -1).flatMap(written => {
    const { text, unset } = expandWord(written, scope.values, mark)
    const open = scope.complete ? [] : unset
    const how = remoteKind(text)
    if (how === undefined) {
      // `ADD $URL /x` may be remote as soon as somebody sets it.
      if (open.length === 0) return []
      return [{ how: 'add-url' as const, line, written, unresolved: `nobody here sets ${open.join(', ')}` }]
    }
    return [
      {
        how,
        line,
        written,
        ...(open.length === 0 ? { source: text } : { unresolved: `nobody here sets ${open.join(', ')}` }),
        ...(checksum === undefined ? {} : { checksum }),
      },
    ]
  })
}

/** Source: Dockerfile reference § ADD; a URL is a repository when its path ends in `.git` or a fragment follows it. */
function remoteKind(text: string): 'add-url' | 'add-git' | undefined {
  if (/^(?:git|ssh):\/\//i.test(text) || /^[A-Za-z0-9_.-]+@[A-Za-z0-9_.-]+:/.test(text)) return 'add-git'
  if (!/^https?:\/\//i.test(text)) return /^github\.com\//i.test(text) ? 'add-git' : undefined
  return /^[^#?]*\.git(?:[#?].*)?$/i.test(text) ? 'add-git' : 'add-url'
}
