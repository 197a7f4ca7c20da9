import { decodeUtf8 } from '../core/bytes.ts'
import { type CommitId, isCommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import { exists, readFileBounded } from '../io/files.ts'
import { gitFoldersOf, pointer } from './local-source.ts'

/** How git looks for a short name, in this order. git Documentation/revisions.txt § <refname> */
const PLACES = ['', 'refs/', 'refs/tags/', 'refs/heads/', 'refs/remotes/']
/** `ref: …` pointing at `ref: …`. git's own bound. */
const MAX_HOPS = 5

/**
 * Finds what a name means in a clone on this machine, by reading its files: git is not run there, since its configuration
 * could name programs. Full commit ids, `HEAD`, branches, tags, `origin/main`; nothing that is computed (`~1`, `^`, `@{…}`).
 * @returns the id that stands there; for an annotated tag that of the tag object.
 * @throws `source/commit-not-found` for a name that means nothing here, or two things
 */
export async function resolveLocalName(path: string, name: string): Promise<CommitId> {
  if (isCommitId(name)) return name
  if (!isRefName(name)) throw unknownName(name, 'not a name of a branch or tag')
  const { own, common } = await gitFoldersOf(path)
  const packed = await packedRefs(common)
  const found = new Map<string, CommitId>()
  for (const place of PLACES) {
    const id = await resolveFull({ own, common, packed }, `${place}${name}`)
    if (id !== undefined) found.set(`${place}${name}`, id)
  }
  const [first] = found.values()
  if (first === undefined) throw unknownName(name, 'no such branch or tag')
  // A tag called like a branch would silently take its place.
  if (new Set(found.values()).size > 1) throw unknownName(name, [...found.keys()].join(' and '))
  return first
}

interface Refs {
  readonly own: string
  readonly common: string
  readonly packed: ReadonlyMap<string, CommitId>
}

async function resolveFull({ own, common, packed }: Refs, full: string): Promise<CommitId | undefined> {
  let name = full
  for (let hops = 0; hops < MAX_HOPS; hops++) {
    if (!isRefName(name) || (name !== 'HEAD' && !name.startsWith('refs/'))) return undefined
    const line = await pointer(`${name === 'HEAD' ? own : common}/${name}`)
    if (line === undefined) return packed.get(name)
    if (!line.startsWith('ref: ')) return isCommitId(line) ? line : undefined
    name = line.slice('ref: '.length)
  }
  return undefined
}

async function packedRefs(common: string): Promise<ReadonlyMap<string, CommitId>> {
  const path = `${common}/packed-refs`
  const refs = new Map<string, CommitId>()
  if (!(await exists(path))) return refs
  const text = decodeUtf8(await readFileBounded(path, LIMITS.importBytes)) ?? ''
  for (const line of text.split('\n')) {
    const [id = '', name = ''] = line.split(' ')
    if (isCommitId(id) && name !== '') refs.set(name, id)
  }
  return refs
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: git refuses control characters in refs
const NO_REF = /^[-/]|[\u0000- ~^:?*[\\\u007f]|\.\.|@\{|\/\/|\/$|(^|\/)\.|\.lock$/

/** git check-ref-format, as far as a name that becomes a path must keep to it. */
function isRefName(name: string): boolean {
  return name !== '' && name.length < 500 && !NO_REF.test(name)
}

function unknownName(name: string, found: string): Error {
  return fail('source/commit-not-found', `${printable(name, 200)} means no commit in this repository`, {
    expected: 'HEAD, a branch, a tag, or a full commit id',
    found,
    remedy: 'Give the full id, as printed by: git rev-parse NAME',
  })
}
