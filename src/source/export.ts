import { createHash, type Hash } from 'node:crypto'
import { latin1 } from '../core/bytes.ts'
import { type CommitId, type Digest, parseDigest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { type Finding, findingOf } from '../core/verdict.ts'
import { FreshFolder, type OpenFile } from '../io/fresh-folder.ts'
import { type ExportedSubmodule, type Grafted, graft } from './export-graft.ts'
import { type LargeFile, LargeFiles, type LfsContent } from './export-large.ts'
import { checkLinkTarget, usesExportAttributes } from './export-rules.ts'
import type { History } from './git.ts'
import { parseLfsPointer } from './lfs-pointer.ts'
import { shownPath, undeclared } from './submodules.ts'
import type { TreeEntry } from './tree.ts'

export interface ExportedTree {
  /** Absolute path of the folder that holds exactly the tree. */
  readonly folder: string
  /** Id of the root tree, every tree and blob below it recomputed. */
  readonly gitTree: CommitId
  /** Files and links. */
  readonly files: number
  /** Bytes of all files. */
  readonly bytes: number
  /**
   * SHA-256 over the listing: the line `waybill-tree/v1` LF, then for every file and link, in the order git keeps trees
   * (depth first, a folder sorted as if its name ended in `/`):
   *
   *     mode ("100644", "100755", "120000") SP sha256 of the content, 64 hex SP path, relative, raw bytes NUL
   *
   * The content of a link is its target, that of a Git LFS pointer what it stands for, and a submodule's files stand where its
   * entry does. It names the files without SHA-1, and anybody can compute it from a checkout with all of these.
   */
  readonly digest: Digest
  /** Files whose content the tree only points to, in its order. */
  readonly large: readonly LargeFile[]
  /** Submodules of the tree and of those, in the order of paths. */
  readonly submodules: readonly Grafted[]
  readonly notes: readonly Finding[]
}

export interface ExportOptions {
  /** Files and links at most; default `MAX_FILES`. */
  readonly maxFiles?: number
  /** Bytes of all files at most; default `MAX_BYTES`. */
  readonly maxBytes?: number
  /** Verified ones by their path, one character a byte; any other is refused. Their folders are moved into the tree. */
  readonly submodules?: ReadonlyMap<string, ExportedSubmodule>
  /** Copy them instead: a second tree will want them, too. */
  readonly keepSubmodules?: boolean
  /** Absent: a Git LFS pointer is refused. */
  readonly lfs?: LfsContent
  /** Gets each piece of the listing, for a tree that becomes part of another. */
  readonly lines?: Uint8Array[]
}

/** Forty small trees that name each other twice unfold to more files than there are atoms. */
const MAX_FILES = LIMITS.exportedFiles
/** What a build machine can still hold. */
const MAX_BYTES = 32 * 1024 ** 3
/** Blobs above are written as they arrive; smaller ones are kept whole until their id is known to be right. */
const STREAM_ABOVE = 1024 * 1024
/** Bytes of a link's target; PATH_MAX of Linux. */
const MAX_TARGET = 4_096
/** Blobs under way at once. */
const AHEAD = 64
const HEADER = 'waybill-tree/v1\n'
/** Folders inside one another. PATH_MAX allows 2,048. */
const MAX_DEPTH = 500

interface Entry {
  /** One character a byte. */
  readonly path: string
  readonly mode: TreeEntry['mode']
  readonly id: CommitId
}

/**
 * Writes the tree of a commit, byte for byte, into a folder that does not exist yet (13-adversary 14): no attribute, filter
 * or line ending has a say; modes are 644 and 755; each object's id is recomputed before the export counts.
 * Call `history.fetchTree(commit.id)` first.
 * @throws `source/submodule-undeclared`, `source/lfs-…`, `source/unsafe-path`, `source/tree-malformed`,
 * `source/object-missing`, `source/object-forged`, `source/tree-too-large`, `core/file-unwritable`, and what `options.lfs`
 * throws. After an error the folder is not to be used.
 */
export async function exportTree(
  history: Pick<History, 'tree' | 'object'>,
  commit: { readonly id: CommitId; readonly tree: CommitId },
  target: string,
  options: ExportOptions = {},
): Promise<ExportedTree> {
  const folder = await FreshFolder.create(target)
  const state = new Export(history, folder, options)
  await state.run(commit.tree)
  return { folder: folder.path, gitTree: commit.tree, ...state.result() }
}

class Export {
  readonly #history: Pick<History, 'tree' | 'object'>
  readonly #folder: FreshFolder
  readonly #options: ExportOptions
  readonly #maxFiles: number
  readonly #maxBytes: number
  readonly #large: LargeFiles
  readonly #grafted: Grafted[] = []
  readonly #listing: Hash = createHash('sha256').update(HEADER)
  readonly #links: { path: string; target: string }[] = []
  readonly #notes: Finding[] = []
  #files = 0
  #bytes = 0

  constructor(history: Pick<History, 'tree' | 'object'>, folder: FreshFolder, options: ExportOptions) {
    this.#history = history
    this.#folder = folder
    this.#options = options
    this.#large = new LargeFiles(folder, options.lfs)
    this.#maxFiles = options.maxFiles ?? MAX_FILES
    this.#maxBytes = options.maxBytes ?? MAX_BYTES
  }

  /** Reads up to `AHEAD` blobs ahead, but finishes them in order, because the listing has one order only. */
  async run(root: CommitId): Promise<void> {
    const ahead: Promise<Uint8Array>[] = []
    const settle = async (): Promise<void> => {
      const line = await ahead.shift()
      if (line === undefined) return
      this.#listing.update(line)
      this.#options.lines?.push(line)
    }
    try {
      for await (const entry of this.#entries(root)) {
        const line = this.#place(entry)
        // It is awaited in its turn; until then a failure must not count as unhandled.
        line.catch(() => {})
        ahead.push(line)
        if (ahead.length >= AHEAD) await settle()
      }
      while (ahead.length > 0) await settle()
    } finally {
      await Promise.allSettled(ahead)
    }
    // Last, so that nothing can be written through them.
    for (const { path, target } of this.#links) this.#folder.makeLink(path, target)
  }

  result(): Omit<ExportedTree, 'folder' | 'gitTree'> {
    const digest = parseDigest(`sha256:${this.#listing.digest('hex')}`)
    const large = [...this.#large.files, ...this.#grafted.flatMap(one => one.large)]
    const submodules = this.#grafted.flatMap(one => [one, ...one.submodules])
    return { files: this.#files, bytes: this.#bytes, digest, notes: this.#notes, large, submodules }
  }

  /** Files and links of the tree, depth first; makes the folders on the way. */
  async *#entries(root: CommitId): AsyncGenerator<Entry> {
    const stack: Entry[] = [...(await this.#list('', root))].reverse()
    let folders = 0
    for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
      if (entry.mode === '40000') {
        if (++folders > this.#maxFiles || entry.path.split('/').length > MAX_DEPTH) throw tooLarge('folders')
        this.#folder.makeFolder(entry.path)
        stack.push(...[...(await this.#list(`${entry.path}/`, entry.id))].reverse())
      } else {
        if (++this.#files > this.#maxFiles) throw tooLarge(`more than ${this.#maxFiles} files`)
        yield entry
      }
    }
  }

  async #list(prefix: string, id: CommitId): Promise<readonly Entry[]> {
    const entries = await this.#history.tree(id)
    return entries.map(({ name, mode, id }) => ({ path: `${prefix}${name}`, mode, id }))
  }

  /** @returns the line of the listing. */
  async #place(entry: Entry): Promise<Uint8Array> {
    if (entry.mode === '160000') return this.#graft(entry)
    const hash = createHash('sha256')
    const { size, oid = hash.digest('hex') } = await this.#write(entry, hash)
    this.#count(0, size)
    return Buffer.from(`${entry.mode} ${oid} ${entry.path}\0`, 'latin1')
  }

  #graft({ path, id }: Entry): Uint8Array {
    const submodule = this.#options.submodules?.get(path)
    if (submodule?.commit !== id) throw undeclared(path, id)
    this.#count(submodule.files - 1, submodule.bytes)
    if (this.#options.keepSubmodules === true) this.#folder.copyFolder(path, submodule.folder)
    else this.#folder.adoptFolder(path, submodule.folder)
    const { grafted, lines } = graft(path, submodule)
    this.#grafted.push(grafted)
    this.#notes.push(...submodule.notes)
    return lines
  }

  #count(files: number, bytes: number): void {
    this.#files += files
    this.#bytes += bytes
    if (this.#files > this.#maxFiles) throw tooLarge(`more than ${this.#maxFiles} files`)
    if (this.#bytes > this.#maxBytes) throw tooLarge(`more than ${this.#maxBytes} bytes`)
  }

  /** @returns also the digest of content that came from elsewhere. */
  async #write(entry: Entry, hash: Hash): Promise<{ readonly size: number; readonly oid?: string }> {
    const mode = entry.mode === '100755' ? 0o755 : 0o644
    if (entry.mode === '120000') {
      const object = await this.#history.object({ id: entry.id, keep: MAX_TARGET + 1 }, 'blob')
      hash.update(object.bytes)
      this.#keepLink(entry.path, object.bytes)
      return object
    }
    const stream = this.#streamer(entry.path, mode, hash)
    const request = { id: entry.id, keep: STREAM_ABOVE, sink: stream.sink }
    const object = await this.#history.object(request, 'blob').finally(stream.close)
    if (object.size > STREAM_ABOVE) return object
    const pointer = parseLfsPointer(object.bytes, shownPath(entry.path))
    if (pointer !== undefined) {
      // Before anything of it is fetched.
      if (this.#bytes + pointer.size > this.#maxBytes) throw tooLarge(`more than ${this.#maxBytes} bytes`)
      await this.#large.place(entry.path, mode, pointer)
      return pointer
    }
    hash.update(object.bytes)
    this.#inspect(entry, object.bytes)
    this.#folder.writeFile(entry.path, object.bytes, mode)
    return object
  }

  /** A sink that writes blobs above `STREAM_ABOVE` and leaves smaller ones to be kept. */
  #streamer(
    path: string,
    mode: 0o644 | 0o755,
    hash: Hash,
  ): { sink: (chunk: Uint8Array, size: number) => Promise<void> | undefined; close: () => Promise<void> } {
    let file: Promise<OpenFile> | undefined
    return {
      sink: (chunk, size) => {
        if (size <= STREAM_ABOVE) return undefined
        if (this.#bytes + size > this.#maxBytes) throw tooLarge(`more than ${this.#maxBytes} bytes`)
        hash.update(chunk)
        file ??= this.#folder.openFile(path, mode)
        return file.then(open => open.write(chunk))
      },
      close: async () => (await file)?.close(),
    }
  }

  #keepLink(path: string, bytes: Uint8Array): void {
    if (bytes.byteLength > MAX_TARGET) throw unsafe(path, `a target of more than ${MAX_TARGET} bytes`)
    const target = latin1(bytes)
    const problem = checkLinkTarget(path, target)
    if (problem !== undefined) throw unsafe(path, problem)
    this.#links.push({ path, target })
  }

  #inspect(entry: Entry, bytes: Uint8Array): void {
    if (/(^|\/)\.gitattributes$/.test(entry.path) && usesExportAttributes(bytes)) {
      const error = fail(
        'source/export-attributes',
        `${shownPath(entry.path)} uses export attributes, which are not applied`,
      )
      this.#notes.push(findingOf(error, shownPath(entry.path), 'note'))
    }
  }
}

function unsafe(path: string, found: string): Error {
  return fail('source/unsafe-path', `The link ${shownPath(path)} cannot be exported: it has ${found}`, {
    expected: 'a target inside the repository',
    found,
  })
}

function tooLarge(found: string): Error {
  return fail('source/tree-too-large', 'The tree is larger than an export may be', { found })
}
