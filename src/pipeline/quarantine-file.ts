import { basename, dirname, join, resolve } from 'node:path'
import { type Digest, hexOf } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { exists, listFolder, readFileBounded, writeFileAtomic } from '../io/files.ts'
import { moveFile, ownFile, privateFolder } from '../io/move-file.ts'
import {
  type FileQuarantineRecord,
  parseFileRecord,
  type QuarantinedName,
  RECORD_BYTES,
  RECORD_NAME,
  renderFileRecord,
} from './quarantine-file-record.ts'

/** Where rejected files go when nothing else is said, relative to the working folder. */
export const QUARANTINE_FOLDER = 'waybill-quarantine'

/** What a release leaves beside a record. */
export const RELEASE_NAME = 'release.json'

/** No execute bit, and nobody else may read it: what lies here is held back from everybody. */
const HELD_MODE = 0o600

/** What is known of a file apart from its name and place, which `quarantineFile` finds out itself. */
export type FileReason = Omit<FileQuarantineRecord, 'files' | 'size'>

export interface QuarantinedFile {
  /** Absolute path where the file lies now. */
  readonly moved: string
  /** Absolute path of its record.json. */
  readonly record: string
}

/**
 * Moves a rejected file, and its bundle, into `<directory>/<sha256>/`, with a record of why beside it. Never follows a link,
 * never overwrites; the file is hashed before and after. The record is written first and the file given up last, so that a
 * run which was killed leaves either the file in its place or the record that says where it is, and the next call finishes.
 * @param path of the file that was judged; its bytes must still be those of `reason.digest`.
 * @param bundle that was judged with it, beside the file or elsewhere.
 * @throws `pipeline/quarantine-refused` (unknown): nothing was moved. `core/file-unwritable`
 */
export async function quarantineFile(
  path: string,
  directory: string,
  reason: FileReason,
  bundle?: string,
): Promise<QuarantinedFile> {
  const file = await ownFile(path)
  if (file.digest !== reason.digest)
    throw fail('pipeline/quarantine-refused', `${printable(path)} is not the file that was judged`, {
      expected: reason.digest,
      found: file.digest,
    })
  const folder = await folderOf(directory, reason.digest)
  const record = join(folder, RECORD_NAME)
  const known = await recordIn(folder)
  const others = (known?.files ?? []).filter(({ original }) => original !== resolve(path))
  const begun = known?.files.find(({ original }) => original === resolve(path))
  const found = await entryOf(path, file.mode, bundle, freeName(basename(path), others))
  // A run that was killed may have taken the rights already, and have moved the bundle: what it wrote down holds.
  const entry =
    begun === undefined ? found : { ...begun, ...(found.bundle === undefined ? {} : { bundle: found.bundle }) }
  const [first, ...more] = [...others, entry]
  const text = renderFileRecord({ ...(known ?? { ...reason, size: file.size }), files: [first ?? entry, ...more] })
  await writeFileAtomic(record, text, HELD_MODE)
  return { record, moved: await moveEntry(folder, entry, reason.digest) }
}

async function moveEntry(folder: string, entry: QuarantinedName, digest: Digest): Promise<string> {
  const moved = join(folder, entry.name)
  await moveFile(entry.original, moved, digest, HELD_MODE)
  if (entry.bundle !== undefined)
    await moveFile(entry.bundle.original, join(folder, entry.bundle.name), entry.bundle.digest, HELD_MODE)
  return moved
}

/** The same bytes may lie at several places, under one name or another. */
function freeName(name: string, others: readonly QuarantinedName[]): string {
  const taken = new Set([RECORD_NAME, RELEASE_NAME, ...others.flatMap(other => [other.name, bundleName(other.name)])])
  const isFree = (candidate: string) => !taken.has(candidate) && !taken.has(bundleName(candidate))
  if (isFree(name)) return name
  let round = 2
  while (!isFree(`${name}.${round}`)) round += 1
  return `${name}.${round}`
}

async function entryOf(path: string, mode: number, bundle: string | undefined, name: string): Promise<QuarantinedName> {
  const beside = bundle === undefined ? undefined : await ownFile(bundle)
  return {
    name,
    original: resolve(path),
    mode: octal(mode),
    ...(bundle === undefined || beside === undefined
      ? {}
      : {
          bundle: {
            name: bundleName(name),
            original: resolve(bundle),
            mode: octal(beside.mode),
            digest: beside.digest,
          },
        }),
  }
}

/** Beside the file whatever it was called before, so that both are found together. */
function bundleName(name: string): string {
  return `${name}.sigstore.json`
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}

async function folderOf(directory: string, digest: Digest): Promise<string> {
  const folder = join(resolve(directory), hexOf(digest))
  await privateFolder(dirname(folder))
  await privateFolder(folder)
  return folder
}

async function recordIn(folder: string): Promise<FileQuarantineRecord | undefined> {
  const path = join(folder, RECORD_NAME)
  return (await exists(path)) ? readFileRecord(path) : undefined
}

/** @throws `core/file-unreadable`, `pipeline/quarantine-record-malformed` */
export async function readFileRecord(path: string): Promise<FileQuarantineRecord> {
  const record = parseFileRecord(await readFileBounded(path, RECORD_BYTES), path)
  if (basename(dirname(resolve(path))) === hexOf(record.digest)) return record
  throw fail('pipeline/quarantine-record-malformed', `${printable(path)} is about another file than its folder`, {
    expected: hexOf(record.digest),
    found: basename(dirname(resolve(path))),
  })
}

export interface HeldFile {
  /** Absolute path of the record. */
  readonly path: string
  readonly record: FileQuarantineRecord
  /**
   * Where the file or its bundle still, or again, lies: an earlier run was interrupted, it was put back, or somebody fetched it
   * anew. Nothing is moved from there unless it is judged and rejected again.
   */
  readonly unfinished: readonly string[]
}

/**
 * What lies in a quarantine directory, in the order of digests; none when there is no such directory.
 * @throws `pipeline/quarantine-record-malformed` for a record that cannot be read: it is never passed over.
 */
export async function heldFiles(directory: string): Promise<readonly HeldFile[]> {
  const root = resolve(directory)
  if (!(await exists(root))) return []
  const folders = (await listFolder(root)).filter(name => /^[0-9a-f]{64}$/.test(name))
  const held: HeldFile[] = []
  for (const name of folders) {
    const path = join(root, name, RECORD_NAME)
    if (!(await exists(path))) continue
    const record = await readFileRecord(path)
    held.push({ path, record, unfinished: await stillThere(record) })
  }
  return held
}

async function stillThere({ files, digest }: FileQuarantineRecord): Promise<readonly string[]> {
  const places = files.flatMap(({ original, bundle }) => [
    { original, digest },
    ...(bundle === undefined ? [] : [bundle]),
  ])
  const left = await Promise.all(places.map(place => liesAt(place.original, place.digest)))
  return places.filter((_, at) => left[at]).map(({ original }) => original)
}

async function liesAt(path: string, digest: Digest): Promise<boolean> {
  return ownFile(path).then(
    file => file.digest === digest,
    () => false,
  )
}

/**
 * Puts the files of a record back where they lay, each hashed again and with the permissions it had (without set-id bits).
 * Nothing is overwritten: a file that lies there by now stops it. The record stays.
 * @returns the paths. @throws `pipeline/quarantine-refused`
 */
export async function restoreFiles(path: string, record: FileQuarantineRecord): Promise<readonly string[]> {
  const folder = dirname(resolve(path))
  for (const { name, original, mode, bundle } of record.files) {
    await moveFile(join(folder, name), original, record.digest, restored(mode))
    if (bundle !== undefined)
      await moveFile(join(folder, bundle.name), bundle.original, bundle.digest, restored(bundle.mode))
  }
  return record.files.map(({ original }) => original)
}

function restored(mode: string): number {
  return Number.parseInt(mode, 8) & 0o777
}
