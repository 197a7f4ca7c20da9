import { latin1 } from '../core/bytes.ts'
import { type CommitId, parseCommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'

/**
 * A git tree object: entries one after the other, sorted, without any length in front (git Documentation, v2.39,
 * gitformat: `mode SP name NUL 20-byte id`).
 *
 *     "100644" file · "100755" executable · "120000" symbolic link · "40000" folder · "160000" submodule
 *
 * Order: by the bytes of the name, a folder as if its name ended in `/`. Traps: a name twice (two programs check out two
 * files), a name with a slash or called `.git` or `..` (a checkout writes elsewhere): refused here, so that no reader
 * of trees needs to think of them.
 */
export interface TreeEntry {
  readonly mode: '100644' | '100755' | '120000' | '40000' | '160000'
  /** One character for each byte, so that nothing is lost; `nameText` makes it readable. */
  readonly name: string
  readonly id: CommitId
}

const MODES: Readonly<Record<string, TreeEntry['mode']>> = {
  '100644': '100644',
  // git wrote this mode in 2005; it has always read it as 100644.
  '100664': '100644',
  '100755': '100755',
  '120000': '120000',
  '40000': '40000',
  '160000': '160000',
}

/** @throws `source/tree-malformed` */
export function parseTree(id: CommitId, bytes: Uint8Array): readonly TreeEntry[] {
  const entries: TreeEntry[] = []
  const names = new Set<string>()
  let previous = ''
  for (let at = 0; at < bytes.byteLength; ) {
    const end = bytes.indexOf(0, at)
    if (end === -1 || end + 21 > bytes.byteLength) throw malformed(id, 'an entry that ends early')
    const head = latin1(bytes.subarray(at, end))
    const space = head.indexOf(' ')
    const mode = Object.hasOwn(MODES, head.slice(0, space)) ? MODES[head.slice(0, space)] : undefined
    if (mode === undefined) throw malformed(id, `the mode ${printable(head.slice(0, 8))}`)
    const name = head.slice(space + 1)
    if (isUnsafe(name)) throw malformed(id, `the name ${printable(name, 100)}`)
    const key = mode === '40000' ? `${name}/` : name
    if (key <= previous || names.has(name)) throw malformed(id, `${printable(name, 100)} out of order or twice`)
    previous = key
    names.add(name)
    const hex = Buffer.from(bytes.buffer, bytes.byteOffset + end + 1, 20).toString('hex')
    entries.push({ mode, name, id: parseCommitId(hex) })
    at = end + 21
  }
  return entries
}

/**
 * Names that a checkout could take for its own folder or for another one: also as Windows and macOS file systems would
 * read them (`.GIT`, `git~1`, trailing dots and spaces, invisible characters; CVE-2014-9390).
 */
function isUnsafe(name: string): boolean {
  if (name === '' || name === '.' || name === '..' || name.includes('/')) return true
  // Only names that begin so can be read as .git or git~1; the rest is not looked at closer (trees are long).
  if (!/^[.gG\x80-\xff]/.test(name)) return false
  const seen = plain(name)
  return seen === '.git' || seen === 'git~1'
}

/** The name as a file system that ignores case, invisible characters, streams and trailing dots would see it. */
function plain(name: string): string {
  const text = Buffer.from(name, 'latin1').toString('utf8')
  const visible = text.replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '')
  return (visible.split(/[:\\]/, 1)[0] ?? '').replace(/[. ]+$/, '').toLowerCase()
}

/** Readable and without ambiguity: UTF-8 as it is, other bytes as `//hex:…`, which no name in a tree can be. */
export function nameText(name: string): string {
  const bytes = Buffer.from(name, 'latin1')
  const text = bytes.toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) ? text : `//hex:${bytes.toString('hex')}`
}

function malformed(id: CommitId, found: string): Error {
  return fail('source/tree-malformed', `The tree ${id} is not what git writes: it has ${found}`, { found })
}
