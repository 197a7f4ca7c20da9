import { basename, resolve } from 'node:path'
import { type Digest, isDigest } from '../core/digest.ts'
import { exists, hashFile } from '../io/files.ts'
import type { HttpClient } from '../io/http.ts'
import { type HeldFile, heldFiles, readFileRecord } from '../pipeline/quarantine-file.ts'
import { RECORD_NAME } from '../pipeline/quarantine-file-record.ts'
import { RegistryClient } from '../registry/client.ts'
import { loadCredentials } from '../registry/credentials.ts'
import type { Descriptor } from '../registry/manifest.ts'
import { formatReference, parseReference, type Reference } from '../registry/reference.ts'
import type { Desk } from './commands/command.ts'

/** What somebody named on the command line: `REF`, `FILE`, `RECORD` or a digest. */
export type Target =
  | { readonly kind: 'digest'; readonly name: string; readonly digest: Digest }
  | { readonly kind: 'file'; readonly name: string; readonly digest: Digest; readonly path: string }
  | { readonly kind: 'held'; readonly name: string; readonly digest: Digest; readonly held: HeldFile }
  | {
      readonly kind: 'image'
      readonly name: string
      readonly digest: Digest
      readonly reference: Reference
      readonly subject: Descriptor
    }

export interface TargetWorld {
  readonly registry: RegistryClient
  readonly desk: Desk
  /** Absolute. */
  readonly directory: string
}

export async function targetWorld(
  desk: Desk,
  http: HttpClient,
  { directory, insecureRegistries }: { readonly directory: string; readonly insecureRegistries: readonly string[] },
): Promise<TargetWorld> {
  const { world, env } = desk
  const credentials = await loadCredentials(env, env.HOME)
  const registry = new RegistryClient({ http, credentials, plainHttpHosts: insecureRegistries })
  return { registry, desk, directory: resolve(world.workingFolder, directory) }
}

/**
 * What a word stands for: a record.json, a file that is there or was moved away from there, a digest, else an image.
 * @throws what reading it throws; `registry/reference-malformed` when it can be nothing of these.
 */
export async function findTarget(word: string, { registry, desk, directory }: TargetWorld): Promise<Target> {
  if (isDigest(word)) return { kind: 'digest', name: word, digest: word }
  const path = resolve(desk.world.workingFolder, word)
  const there = await exists(path)
  if (there && basename(path) === RECORD_NAME) {
    const record = await readFileRecord(path)
    return { kind: 'held', name: word, digest: record.digest, held: { path, record, unfinished: [] } }
  }
  const held = (await heldFiles(directory)).find(({ record }) => record.files.some(file => file.original === path))
  if (!there && held !== undefined) return { kind: 'held', name: word, digest: held.record.digest, held }
  if (there) return { kind: 'file', name: word, digest: (await hashFile(path)).digest, path }
  const reference = parseReference(word)
  const { descriptor } = await registry.resolve(reference)
  return { kind: 'image', name: formatReference(reference), digest: descriptor.digest, reference, subject: descriptor }
}
