import type { Instruction } from './instructions.ts'
import { malformed } from './malformed.ts'
import type { Pull } from './pull.ts'
import type { Scope } from './scope.ts'
import { type Escape, expandWord } from './words.ts'

type Found = Omit<Pull, 'needed'>

/** `COPY --from=name`: a stage by name or number, a named context or an image. */
export function copySources({ flags, line }: Instruction): readonly Found[] {
  const from = flags.find(({ name }) => name === 'from')?.value ?? ''
  return from === '' ? [] : [{ how: 'copy-from', line, written: from, source: plainName(from, line) }]
}

/** `RUN --mount=type=…,from=…`: a stage by name, a named context or an image; without `from` the context of the build. */
export function mountSources({ flags, line }: Instruction): readonly Found[] {
  const mounts = flags.filter(({ name }) => name === 'mount')
  return mounts.map(({ value = '' }) => {
    const from = mountFrom(value, line)
    return { how: 'mount-from', line, written: from, source: from === '' ? 'scratch' : plainName(from, line) }
  })
}

/** The last `from` counts; its key in any case of letters, and no space around it. */
function mountFrom(mount: string, line: number): string {
  // Quotes that are left here were escaped, to hold a comma together.
  if (mount.includes('"')) throw malformed(`has a quoted part of a mount in line ${line}`, 'no quotes', mount)
  const sources = mount.split(',').filter(part => /^from=/i.test(part))
  return (sources.at(-1) ?? '').slice('from='.length)
}

/** BuildKit knows no variables here, nor quotes once the flag is read; both would make two readers see two names. */
function plainName(name: string, line: number): string {
  if (/^[\w./:@+[\]-]*$/.test(name)) return name
  throw malformed(
    `has a from in line ${line} that is no name`,
    'a stage, a named context or an image, without variables',
    name,
  )
}

/** Remote sources of ADD: everything but the last word, which is where it goes. */
export function addSources(instruction: Instruction, scope: Scope, mark: Escape): readonly Found[] {
  const { words, flags, line } = instruction
  const written = flags.find(({ name }) => name === 'checksum')?.value ?? ''
  const checksum = expandWord(written, scope.values, mark)
  return words.slice(0, -1).flatMap(word => {
    // The name of a here-document; what it holds is text.
    if (/^[0-9]*<<-?[^<]/.test(word)) return []
    const { text, unset } = expandWord(word, scope.values, mark)
    const how = remoteKind(text)
    const open = scope.complete ? [] : how === undefined ? unset : [...unset, ...checksum.unset]
    // `ADD $URL /x` may be remote as soon as somebody sets it.
    if (how === undefined && open.length === 0) return []
    return [
      {
        how: how ?? 'add-url',
        line,
        written: word,
        ...(open.length === 0 ? { source: text } : { unresolved: `nobody here sets ${open.join(', ')}` }),
        ...(checksum.text === '' || open.length > 0 ? {} : { checksum: checksum.text }),
      },
    ]
  })
}

/**
 * `github.com/…` without a scheme is a local path to ADD, as is every scheme that stands not here. In doubt remote: `HTTPS:` is.
 * Source: Dockerfile reference § ADD; a URL is a repository when its path ends in `.git`.
 */
function remoteKind(text: string): 'add-url' | 'add-git' | undefined {
  if (/^(?:git|ssh):\/\//i.test(text) || /^[a-zA-Z0-9_-]+@[a-zA-Z0-9.-]+:/.test(text)) return 'add-git'
  if (!/^https?:\/\//i.test(text)) return undefined
  return /^https?:\/\/[^/#?]*\/[^#?]*\.git(?:[#?].*)?$/i.test(text) ? 'add-git' : 'add-url'
}
