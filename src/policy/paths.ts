import type { NamedFile } from './policy.ts'
import { asciiOf, type Field, type Reading, wrong } from './read.ts'

/** Collects the files a policy names while it is parsed. */
export interface FileReading extends Reading {
  readonly files: Map<string, NamedFile>
  /** Set while a snapshot is read: OpenPGP keys that stand in it, since it can name no further files. */
  readonly inline?: Map<string, Uint8Array>
}

/** Bytes of a file that the policy names; undefined when it is missing or not a regular file. */
export type ReadFile = (path: string) => Uint8Array | undefined

/** Folder of the policy file with a slash at its end, empty for a bare file name: all files it names lie below it. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1)
}

/**
 * A file named by the policy, relative to the policy's folder; returned relative to the root of the tree.
 * It must stay below that folder (12-policy § 2), and outside `workflows` and `actions`: what lies there may be changed by
 * the `workflows` part of policy-change, so a key kept there could be swapped by somebody who may only edit workflows.
 */
export function namedFile(reading: FileReading, field: Field, use: NamedFile['use']): string {
  if (reading.inline !== undefined)
    throw wrong(reading, field, 'names a file, but a snapshot holds everything itself', 'this signer in the policy')
  const text = asciiOf(reading, field)
  const segments = text.split('/')
  if (segments.some(segment => !/^[A-Za-z0-9._+@ -]+$/.test(segment) || segment === '.' || segment === '..'))
    throw wrong(reading, field, 'is not a path below the policy file’s folder', 'keys/alice.asc', text)
  if (segments[0] === 'workflows' || segments[0] === 'actions')
    throw wrong(reading, field, 'lies among the workflows; keys need a folder of their own', 'keys/alice.asc', text)
  const path = `${folderOf(reading.path)}${text}`
  if (path === reading.path || text === 'CODEOWNERS')
    throw wrong(reading, field, 'names a file that is no key', 'keys/…', text)
  const before = reading.files.get(path)
  if (before !== undefined && before.use !== use)
    throw wrong(reading, field, `names a file that is also named as ${before.use} at ${before.at}`)
  if (before === undefined) reading.files.set(path, { path, use, at: field.node.at })
  return path
}

/** Armor of one key is some kilobytes; one with a thousand certifications still fits. */
const MAX_ARMOR = 256 * 1024

/**
 * An OpenPGP key that stands in a snapshot itself, in armor; what is in it is read with the keyring.
 * @param name whole fingerprint, part of the made-up path under which the key is known.
 */
export function inlineKey(reading: FileReading, field: Field, name: string): string {
  const { node } = field
  const text = node.kind === 'text' ? node.text : ''
  if (text.length > MAX_ARMOR) throw wrong(reading, field, `has more than ${MAX_ARMOR} characters`)
  if (!/^-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n[\x20-\x7e\r\n]+-----END PGP PUBLIC KEY BLOCK-----\s*$/.test(text))
    throw wrong(reading, field, 'is not an armored public key', '-----BEGIN PGP PUBLIC KEY BLOCK-----…')
  const path = `${reading.path}#${name}`
  reading.inline?.set(path, new TextEncoder().encode(text))
  return path
}
