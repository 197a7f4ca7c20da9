import { latin1 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'

/** One section of `.gitmodules`. Texts have one character for each byte, as names in trees. */
export interface SubmoduleEntry {
  readonly name: string
  /** From the root of its own repository, `/` between its parts. */
  readonly path: string
  /** As it stands there; what it means is for `submoduleUrl`. */
  readonly url: string
}

/**
 * Reads `.gitmodules`: git-config syntax (git v2.39, Documentation/config.txt § Syntax), of which only what git itself writes is
 * taken: sections `[submodule "name"]`, one `key = value` a line, a value either bare or wholly in quotes. git programs differ in
 * how they read the rest, and a file that two of them read apart is two lists of repositories.
 *
 * Traps, each once a hole of git: a name that leads out of `.git/modules` (CVE-2018-11235), a path or address that is read as
 * an option (CVE-2018-17456), a command in `update` (CVE-2019-19604), a carriage return at the end of a path (CVE-2025-48384).
 * @throws `source/gitmodules-malformed` naming the line
 */
export function parseGitmodules(bytes: Uint8Array): readonly SubmoduleEntry[] {
  if (bytes.byteLength > LIMITS.gitmodulesBytes) throw malformed(0, `more than ${LIMITS.gitmodulesBytes} bytes`)
  const sections = new Map<string, { readonly line: number; readonly values: Map<string, string> }>()
  let open: Map<string, string> | undefined
  for (const [at, raw] of latin1(bytes).split('\n').entries()) {
    const line = raw.replace(/\r$/, '').replace(/^[ \t]+|[ \t]+$/g, '')
    if (line === '' || /^[#;]/.test(line)) continue
    if (line.startsWith('[')) {
      const name = sectionName(line, at + 1)
      if (sections.has(name)) throw malformed(at + 1, 'a submodule twice')
      if (sections.size >= LIMITS.submodules) throw malformed(at + 1, `more than ${LIMITS.submodules} submodules`)
      open = new Map()
      sections.set(name, { line: at + 1, values: open })
    } else putValue(open, line, at + 1)
  }
  const entries = [...sections].map(([name, { line, values }]) => entryOf(name, values, line))
  refuseOverlap(entries)
  return entries
}

function sectionName(line: string, at: number): string {
  const [, quoted] = /^\[submodule[ \t]+"((?:[^"\\]|\\["\\])*)"\]$/i.exec(line) ?? []
  if (quoted === undefined) throw malformed(at, 'something other than [submodule "name"]')
  const name = quoted.replace(/\\(["\\])/g, '$1')
  const parts = name.split(/[/\\]/)
  if (name === '' || hasControl(name) || name.startsWith('-') || parts.includes('..') || name.length > 1_024)
    throw malformed(at, 'a name that leads elsewhere')
  return name
}

/** Twice the same key is two values, of which readers take the first or the last. */
function putValue(open: Map<string, string> | undefined, line: string, at: number): void {
  const [, key, written] = /^([A-Za-z][A-Za-z0-9-]{0,60})[ \t]*=[ \t]*(.*)$/s.exec(line) ?? []
  if (open === undefined || key === undefined || written === undefined)
    throw malformed(at, 'something other than key = value')
  const value = plainValue(written, at)
  const name = key.toLowerCase()
  if (open.has(name)) throw malformed(at, `${printable(key)} twice`)
  // Never run here, but whoever reads the file after us may.
  if (name === 'update' && /^[ \t]*!/.test(value)) throw malformed(at, 'a command under update')
  open.set(name, value)
}

function plainValue(written: string, at: number): string {
  const [, quoted] = /^"((?:[^"\\]|\\["\\])*)"$/s.exec(written) ?? []
  const value = quoted === undefined ? written : quoted.replace(/\\(["\\])/g, '$1')
  if (quoted === undefined && /["\\#;]/.test(written)) throw malformed(at, 'a value that is neither bare nor in quotes')
  if (hasControl(value)) throw malformed(at, 'a control character')
  return value
}

function entryOf(name: string, values: ReadonlyMap<string, string>, at: number): SubmoduleEntry {
  const path = values.get('path')
  const url = values.get('url')
  if (path === undefined || url === undefined) throw malformed(at, 'a submodule without path or url')
  if (!isSafePath(path)) throw malformed(at, `the path ${printable(path, 200)}`)
  if (url === '' || url.startsWith('-')) throw malformed(at, `the url ${printable(url, 200)}`)
  return { name, path, url }
}

/** One character is one byte, so those above 0x7f are parts of letters. */
function hasControl(text: string): boolean {
  return [...text].some(character => character < ' ' || character === '\x7f')
}

/** Relative, plain, and in no spelling of `.git`; the tree itself is read by a parser that refuses those, too. */
function isSafePath(path: string): boolean {
  if (path.startsWith('-') || path.length > 4_096 || path.includes('\\')) return false
  return path.split('/').every(part => part !== '' && part !== '.' && part !== '..' && !/^\.git$/i.test(part))
}

/** Also in another case: some file systems see one folder. Inside one another they would be written by each other. */
function refuseOverlap(entries: readonly SubmoduleEntry[]): void {
  const paths = new Set<string>()
  for (const { path } of entries) {
    const folded = path.toLowerCase()
    if (paths.has(folded)) throw malformed(0, `the path ${printable(path, 200)} twice`)
    paths.add(folded)
  }
  for (const path of paths) {
    const parts = path.split('/')
    if (parts.slice(1).some((_, at) => paths.has(parts.slice(0, at + 1).join('/'))))
      throw malformed(0, `the path ${printable(path, 200)} inside another submodule`)
  }
}

function malformed(line: number, found: string): Error {
  const place = line === 0 ? '.gitmodules' : `.gitmodules:${line}`
  return fail('source/gitmodules-malformed', `${place} is not what git writes: it has ${found}`, { found })
}
