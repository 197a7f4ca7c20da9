import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type Digest, hexOf, isDigest, sha256 } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { type JsonObject, parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { inParallel } from '../core/parallel.ts'
import { arrayAt } from '../core/shape.ts'
import { printable } from '../core/text.ts'
import { createReadStream, exists, fileSize, namesIn, readFileBounded } from '../io/files.ts'
import type { RegistryClient } from './client.ts'
import { indexTar, readRange } from './layout-tar.ts'
import { blobsToSend, type Descriptor, type Manifest, parseManifest, readDescriptor } from './manifest.ts'
import type { Repository } from './reference.ts'
import { sendUntilComplete } from './resend.ts'

/** An OCI image layout (image-spec v1.1.1 § Image Layout) on disk, as a folder or an uncompressed tar. */
export interface Layout {
  /** Folder or tar, for messages. */
  readonly path: string
  /** What `index.json` names. */
  readonly manifests: readonly Descriptor[]
  /** A small file's bytes, hashed. @throws `registry/layout-malformed`, `registry/digest-mismatch` */
  read(descriptor: Descriptor): Promise<Uint8Array>
  /** Bytes of a blob; undefined when there is none of this digest. */
  sizeOf(digest: Digest): Promise<number | undefined>
  /** A blob's bytes, not hashed. @throws when it is missing or larger */
  readBlob(digest: Digest, maxBytes: number): Promise<Uint8Array>
  /** Digest by name, and size, of the blobs that lie there, at most one more than `LIMITS.layoutBlobs`. */
  blobs(): Promise<readonly { readonly digest: Digest; readonly size: number }[]>
  /** A blob as a stream, not hashed: whoever sends it hashes it. */
  open(digest: Digest, size: number): () => Readable
}

/** Files of a layout, wherever they lie. */
interface Files {
  /** undefined: there is no such regular file. */
  size(name: string): Promise<number | undefined>
  /** Names in the folder of blobs. */
  blobNames(): Promise<readonly string[]>
  read(name: string, maxBytes: number): Promise<Uint8Array>
  open(name: string, size: number): () => Readable
}

const BLOBS = 'blobs/sha256'
const MAX_DEPTH = 4
const PARALLEL = 4
const LAYOUT_FILE_BYTES = 64 * 1024

/** @throws `registry/layout-malformed` */
export async function readLayout(path: string): Promise<Layout> {
  try {
    const files = (await exists(join(path, 'oci-layout'))) ? folderFiles(path) : await tarFiles(path)
    const marker = parseJsonObject(await files.read('oci-layout', LAYOUT_FILE_BYTES), 'oci-layout file')
    if (marker.imageLayoutVersion !== '1.0.0') throw malformed(path, 'another layout version than 1.0.0')
    const manifests = indexEntries(parseJsonObject(await files.read('index.json', LIMITS.manifestBytes), 'index.json'))
    return {
      path,
      manifests,
      read: descriptor => readChecked(files, descriptor),
      sizeOf: digest => files.size(blobName(digest)),
      readBlob: (digest, maxBytes) => files.read(blobName(digest), maxBytes),
      blobs: () => blobsOf(files),
      open: (digest, size) => files.open(blobName(digest), size),
    }
  } catch (error) {
    const known = asWaybillError(error)
    if (known.code.startsWith('registry/')) throw error
    throw malformed(path, known.found ?? known.message, error)
  }
}

/**
 * The one manifest of a layout, or the one whose `org.opencontainers.image.ref.name` is `name`.
 * @throws `registry/layout-ambiguous`
 */
export function chooseManifest(layout: Layout, name?: string): Descriptor {
  const named = layout.manifests.filter(
    entry => name === undefined || entry.annotations?.['org.opencontainers.image.ref.name'] === name,
  )
  const [first, ...more] = named
  if (first !== undefined && more.length === 0) return first
  throw fail('registry/layout-ambiguous', `${printable(layout.path)} does not name exactly one image`, {
    expected: name === undefined ? 'one manifest in index.json' : `one manifest named ${name}`,
    found: `${named.length}`,
  })
}

/**
 * Pushes a layout by digest, children before parents; nothing is tagged. Every byte is hashed on its way.
 * @param options.name which image, when the layout holds several; `from`: a repository of the same registry to mount from.
 * @returns the descriptor of what can now be pulled.
 * @throws `registry/layout-malformed`, `registry/layout-ambiguous`, `registry/digest-mismatch`, `registry/forbidden` …
 */
export async function pushLayout(
  client: RegistryClient,
  repository: Repository,
  layout: string | Layout,
  options: { readonly name?: string; readonly from?: string } = {},
): Promise<Descriptor> {
  const opened = typeof layout === 'string' ? await readLayout(layout) : layout
  const chosen = chooseManifest(opened, options.name)
  const pause = (round: number) => client.transport.pause(repository, round)
  const push = () => pushManifest(client, repository, opened, chosen, 1, options.from)
  const manifest = await sendUntilComplete(pause, push)
  return {
    mediaType: chosen.mediaType,
    digest: chosen.digest,
    size: chosen.size,
    ...(manifest.artifactType === undefined ? {} : { artifactType: manifest.artifactType }),
  }
}

async function pushManifest(
  client: RegistryClient,
  repository: Repository,
  layout: Layout,
  descriptor: Descriptor,
  depth: number,
  from?: string,
): Promise<Manifest> {
  if (depth > MAX_DEPTH) throw malformed(layout.path, `indexes nested more than ${MAX_DEPTH} deep`)
  const bytes = await layout.read(descriptor)
  const manifest = parseManifest(bytes, descriptor.mediaType)
  if (manifest.kind === 'index') {
    for (const child of unique(manifest.manifests))
      await pushManifest(client, repository, layout, child, depth + 1, from)
  } else {
    const mount = from === undefined ? {} : { from }
    await inParallel(unique(blobsToSend(manifest)), PARALLEL, async ({ digest, size }) => {
      await checkHeld(client, repository, layout, { digest, size })
      const blob = { open: layout.open(digest, size), digest, size }
      await client.putBlob(repository, blob, { unlessPresent: true, ...mount })
    })
  }
  await client.putManifest(repository, descriptor.digest, descriptor.mediaType, bytes)
  return manifest
}

/** A file that is not there, or has another size, is the layout's fault: sending it would look as if the registry had failed. */
async function checkHeld(
  client: RegistryClient,
  repository: Repository,
  layout: Layout,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
): Promise<void> {
  const held = await layout.sizeOf(digest)
  // Of what the registry has already a layout may lack the bytes.
  if (held === size || (await client.blobExists(repository, digest))) return
  throw malformed(layout.path, held === undefined ? `no blob ${digest}` : `${digest} has ${held} bytes, not ${size}`)
}

function unique(descriptors: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(descriptors.map(descriptor => [descriptor.digest, descriptor])).values()]
}

/** `index.json` need not carry a media type (skopeo writes none), so it is read apart from manifests. */
function indexEntries(index: JsonObject): readonly Descriptor[] {
  return arrayAt(index.manifests, 'index.json.manifests').map((entry, i) =>
    readDescriptor(entry, `index.json.manifests[${i}]`),
  )
}

async function readChecked(files: Files, descriptor: Descriptor): Promise<Uint8Array> {
  const bytes = await files.read(blobName(descriptor.digest), LIMITS.manifestBytes)
  const found = sha256(bytes)
  if (found === descriptor.digest && bytes.byteLength === descriptor.size) return bytes
  throw fail('registry/digest-mismatch', 'A manifest of the layout is not what its digest says', {
    expected: `${descriptor.digest}, ${descriptor.size} bytes`,
    found: `${found}, ${bytes.byteLength} bytes`,
    remedy: 'Write the image layout again; a file of it is damaged or was changed meanwhile.',
  })
}

async function blobsOf(files: Files): Promise<readonly { digest: Digest; size: number }[]> {
  const digests = (await files.blobNames()).map(name => `sha256:${name}`).filter(isDigest)
  const sized = await inParallel(digests.slice(0, LIMITS.layoutBlobs + 1), PARALLEL, async digest => {
    const size = await files.size(blobName(digest))
    return size === undefined ? [] : [{ digest, size }]
  })
  return sized.flat()
}

function blobName(digest: Digest): string {
  return `${BLOBS}/${hexOf(digest)}`
}

function folderFiles(folder: string): Files {
  return {
    size: name => fileSize(join(folder, name)),
    blobNames: () => namesIn(join(folder, BLOBS)),
    read: (name, maxBytes) => readFileBounded(join(folder, name), maxBytes),
    open: name => () => createReadStream(join(folder, name)),
  }
}

async function tarFiles(file: string): Promise<Files> {
  const entries = await indexTar(file)
  const find = (name: string): { offset: number; size: number } => {
    const entry = entries.get(name)
    if (entry === undefined) throw malformed(file, `no ${name}`)
    return entry
  }
  return {
    size: async name => entries.get(name)?.size,
    blobNames: async () =>
      [...entries.keys()].flatMap(name => (name.startsWith(`${BLOBS}/`) ? [name.slice(BLOBS.length + 1)] : [])),
    read: async (name, maxBytes) => {
      const { offset, size } = find(name)
      if (size > maxBytes) throw malformed(file, `${name} is larger than ${maxBytes} bytes`)
      return readRange(file, offset, size)
    },
    open: (name, size) => {
      const entry = find(name)
      if (entry.size !== size) throw malformed(file, `${name} has ${entry.size} bytes, not ${size}`)
      // A stream's end is inclusive, so it cannot say "nothing".
      if (size === 0) return () => Readable.from([])
      return () => createReadStream(file, { start: entry.offset, end: entry.offset + size - 1 })
    },
  }
}

function malformed(path: string, found: string, cause?: unknown): Error {
  return fail('registry/layout-malformed', `${printable(path)} is not a usable OCI layout`, {
    expected: 'oci-layout, index.json and blobs/sha256/… in a folder or an uncompressed tar',
    found,
    cause,
  })
}
