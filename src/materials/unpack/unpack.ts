import { FreshFolder } from '../../io/fresh-folder.ts'
import { OpenedFile } from '../../io/private-file.ts'
import { ARCHIVE_BOUNDS, type ArchiveBounds, mostOf, tooLarge, unsafe } from './bounds.ts'
import type { ArchiveEntry, FileEntry } from './entry.ts'
import { entryPath, folded, linkTarget, rawName } from './names.ts'
import { tarEntries } from './tar.ts'
import { zipEntries } from './zip.ts'

export interface Unpacked {
  /** Files and links. */
  readonly files: number
  /** Of all files. */
  readonly bytes: number
}

/**
 * Unpacks a verified archive into a folder that does not exist yet. Its bytes are those that somebody signed; what is in it may
 * still want to lie elsewhere: so every name is checked, modes are 644 and 755, nothing is written twice or through a link, and
 * links are made last. Two machines get the same folder.
 * @throws `materials/archive-malformed`, `materials/archive-unsafe`, `materials/archive-too-large`, `core/file-unwritable`. After
 * an error the folder is not to be used.
 */
export async function unpack(
  kind: 'tar' | 'zip',
  archive: string,
  target: string,
  bounds: ArchiveBounds = ARCHIVE_BOUNDS,
): Promise<Unpacked> {
  const file = await OpenedFile.open(archive)
  try {
    const most = mostOf(file.size, bounds)
    const entries =
      kind === 'tar' ? tarEntries(file, { ...bounds, bytes: most }) : zipEntries(file, { ...bounds, bytes: most })
    const unpacking = new Unpacking(await FreshFolder.create(target), bounds, most)
    for await (const entry of entries) await unpacking.add(entry)
    return unpacking.end()
  } finally {
    await file.close()
  }
}

class Unpacking {
  readonly #folder: FreshFolder
  readonly #bounds: ArchiveBounds
  readonly #most: number
  /** Folded path → its spelling, and whether things may lie below it. */
  readonly #known = new Map<string, { readonly path: string; readonly isFolder: boolean }>()
  readonly #links: { readonly path: string; readonly target: string }[] = []
  #entries = 0
  #files = 0
  #bytes = 0

  constructor(folder: FreshFolder, bounds: ArchiveBounds, most: number) {
    this.#folder = folder
    this.#bounds = bounds
    this.#most = most
  }

  async add(entry: ArchiveEntry): Promise<void> {
    if (++this.#entries > this.#bounds.entries) throw tooLarge(`at most ${this.#bounds.entries} entries`)
    if (entry.kind === 'folder' && isRoot(entry.path)) return
    const path = entryPath(entry.path, this.#bounds)
    for (const above of foldersAbove(path)) this.#enter(above)
    if (entry.kind === 'folder') return this.#enter(path)
    this.#take(path)
    this.#files++
    if (entry.kind === 'link') this.#links.push({ path, target: linkTarget(path, entry.target) })
    else await this.#write(path, entry)
  }

  end(): Unpacked {
    for (const { path, target } of this.#links) this.#folder.makeLink(rawName(path), rawName(target))
    return { files: this.#files, bytes: this.#bytes }
  }

  /** A folder that is there, or is made. */
  #enter(path: string): void {
    const known = this.#known.get(folded(path))
    if (known === undefined) {
      // Folders that nobody named are entries too: a thousand short names could make a million of them.
      if (this.#known.size >= this.#bounds.entries) throw tooLarge(`at most ${this.#bounds.entries} entries`)
      this.#known.set(folded(path), { path, isFolder: true })
      this.#folder.makeFolder(rawName(path))
    } else if (!known.isFolder) throw unsafe(path, 'below a file or link, or in its place')
    else if (known.path !== path) throw unsafe(path, `called as ${known.path} but for the case of letters`)
  }

  #take(path: string): void {
    const known = this.#known.get(folded(path))
    if (known !== undefined) throw unsafe(path, known.path === path ? 'there twice' : `there as ${known.path} too`)
    this.#known.set(folded(path), { path, isFolder: false })
  }

  async #write(path: string, entry: FileEntry): Promise<void> {
    const file = await this.#folder.openFile(rawName(path), entry.executable ? 0o755 : 0o644)
    try {
      for await (const chunk of entry.content()) {
        this.#bytes += chunk.byteLength
        if (this.#bytes > this.#most) throw tooLarge(`at most ${this.#most} bytes from an archive of this size`)
        await file.write(chunk)
      }
    } finally {
      await file.close()
    }
  }
}

/** `./`, as `tar -C FOLDER .` writes it. */
function isRoot(path: Uint8Array): boolean {
  return /^\.?\/?$/.test(Buffer.from(path).toString('latin1'))
}

function foldersAbove(path: string): readonly string[] {
  const parts = path.split('/')
  return parts.slice(1).map((_, at) => parts.slice(0, at + 1).join('/'))
}
