import { join } from 'node:path'
import { json } from '@sigstore/core'
import { type Digest, hexOf, parseDigest, sha256 } from '../../core/digest.ts'
import { fail } from '../../core/error.ts'
import { type JsonObject, parseJsonObject } from '../../core/json.ts'
import { objectAt } from '../../core/shape.ts'
import { exists, readFileBounded, writeFileAtomic } from '../../io/files.ts'
import { HttpClient } from '../../io/http.ts'
import { SIGSTORE_LIMITS } from '../limits.ts'

/**
 * Where trust in a TUF repository begins, as a digest: the repository serves every version of its root for ever, so the
 * version that is known needs no copy here. What is served counts only if it is exactly that version.
 */
export interface PinnedRoot {
  /** Base of the repository, without a slash at the end. */
  readonly url: string
  readonly version: number
  /** SHA-256 of the `signed` part in canonical JSON (RFC 8785): keys, thresholds and version, however they are indented. */
  readonly signed: Digest
}

/**
 * GitHub's own Sigstore instance. Version 9 expires 2027-01-28, is 6,734 bytes as served with SHA-256
 * eb303461e0109458144b6ebcbfd62aaa6f6d7481e9ca77504b85f17761661462, and is signed by enough keys of version 3 (SHA-256
 * 98cba97be9075bc98b2322de3de85fbd1b70ec7392991dfd2f53d215bede1a8d), which `gh` ships. That a pinned root has expired does
 * no harm: only the newest one that follows from it must be valid. docs/decisions/0014-github-instance.md
 */
export const GITHUB_ROOT: PinnedRoot = {
  url: 'https://tuf-repo.github.com',
  version: 9,
  signed: parseDigest('sha256:afdd49110b71ca64d0077e656832fc348fc090320bcb10ec52f77880b828a3bb'),
}

/**
 * A file with the root that the pin names, for a TUF client to begin with. It is fetched once and kept in `folder`; what lies
 * there is compared each time, since others may write to that folder.
 * @throws `sigstore/trust-unavailable` when the repository does not serve it or serves another one.
 */
export async function pinnedRootFile(pin: PinnedRoot, folder: string, timeoutMs: number): Promise<string> {
  const path = join(folder, `root-${pin.version}-${hexOf(pin.signed).slice(0, 12)}.json`)
  if (await isKept(path, pin)) return path
  const http = new HttpClient()
  try {
    const url = `${pin.url}/${pin.version}.root.json`
    const { status, body } = await http.send({ method: 'GET', url, maxBytes: SIGSTORE_LIMITS.tufRootBytes, timeoutMs })
    if (status !== 200) throw refused(pin, `status ${status}`)
    const found = signedDigest(body)
    if (found !== pin.signed) throw refused(pin, `another root, ${found}`)
    await writeFileAtomic(path, body)
    return path
  } finally {
    http.close()
  }
}

async function isKept(path: string, pin: PinnedRoot): Promise<boolean> {
  if (!(await exists(path))) return false
  return readFileBounded(path, SIGSTORE_LIMITS.tufRootBytes).then(
    bytes => signedDigest(bytes) === pin.signed,
    () => false,
  )
}

/** Undefined for what is not the strict JSON of a TUF root. Duplicate keys could mean one root here and another there. */
export function signedDigest(bytes: Uint8Array): Digest | undefined {
  let signed: JsonObject
  try {
    signed = objectAt(parseJsonObject(bytes, 'TUF root').signed, 'signed')
  } catch {
    return undefined
  }
  return sha256(json.canonicalize(signed))
}

function refused(pin: PinnedRoot, found: string): Error {
  return fail('sigstore/trust-unavailable', `${pin.url} does not serve version ${pin.version} of its TUF root`, {
    expected: `the root with ${pin.signed}`,
    found,
  })
}
