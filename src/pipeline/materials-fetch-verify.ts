import { latin1 } from '../core/bytes.ts'
import { sha256 } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { fetchBeside } from '../materials/fetch/beside.ts'
import type { KeySource, MaterialItem, Verify } from '../materials/manifest/item.ts'
import { ByteCheck } from '../materials/proof/byte-check.ts'
import { checksumsFor } from '../materials/proof/checksums.ts'
import { verifyMinisign } from '../materials/proof/minisign.ts'
import { githubProof, sigstoreProof } from './materials-fetch-bundle.ts'
import type { SignedBytes } from './materials-fetch-bytes.ts'
import { keyOf } from './materials-fetch-keys.ts'
import { type Checked, type FetchRun, isRefusedMaterial } from './materials-fetch-run.ts'
import { detachedChecker } from './materials-fetch-signed.ts'

/**
 * Who signed these bytes, as the manifest says it can be seen; nothing said: their digest is all there is.
 * @throws what says that it cannot be seen
 */
export async function verifyBytes(
  run: FetchRun,
  item: MaterialItem,
  bytes: SignedBytes,
  verify: Verify | undefined,
): Promise<Checked> {
  switch (verify?.kind) {
    case undefined:
      return { proof: { kind: 'digest' } }
    case 'openpgp':
      return detached(run, bytes, verify, { kind: 'openpgp' })
    case 'ssh':
      return detached(run, bytes, verify, { kind: 'ssh', namespace: verify.namespace })
    case 'minisign':
      return minisign(run, bytes, verify)
    case 'sigstore':
      return sigstoreProof(run, item, bytes, verify)
    case 'github':
      return githubProof(run, item, bytes, verify)
    case 'checksums':
      return checksums(run, item, bytes, verify)
    case 'git':
      throw new TypeError('the parser takes git for repositories alone')
  }
}

interface Beside {
  readonly signature: string
  readonly key: KeySource
}

async function detached(
  run: FetchRun,
  bytes: SignedBytes,
  verify: Beside,
  how: { readonly kind: 'openpgp' | 'ssh'; readonly namespace?: string },
): Promise<Checked> {
  await refuseDocument(bytes)
  const key = await keyOf(run.request, verify.key, [how.kind])
  const signature = await fetchBeside(run.address(verify.signature), LIMITS.detachedBytes, run.download)
  const checker = detachedChecker(key, { policy: run.request.policy, now: run.ports.now })
  const { by } = await checker.check({ ...how, signature, content: bytes.content })
  return { proof: { kind: 'signature', keys: key.keys, by, evidence: sha256(signature) } }
}

async function minisign(run: FetchRun, bytes: SignedBytes, verify: Beside): Promise<Checked> {
  await refuseDocument(bytes)
  const { key, keys, name } = await keyOf(run.request, verify.key, ['minisign'])
  if (key.kind !== 'minisign') throw new TypeError('keyOf() of another kind')
  const signature = await fetchBeside(run.address(verify.signature), LIMITS.detachedBytes, run.download)
  const digest = bytes.digests.get('blake2b512')
  if (digest === undefined) throw new TypeError('BLAKE2b was not asked for')
  const { keyId } = verifyMinisign(signature, key.bytes, digest)
  return { proof: { kind: 'signature', keys, by: `the minisign key ${keyId} (${name})`, evidence: sha256(signature) } }
}

/** A list of digests that somebody signed: the list is what is verified, and the material is what it names. */
async function checksums(
  run: FetchRun,
  item: MaterialItem,
  bytes: SignedBytes,
  verify: Extract<Verify, { kind: 'checksums' }>,
): Promise<Checked> {
  const list = await fetchBeside(run.address(verify.file), LIMITS.checksumsBytes, run.download)
  const checked = await verifyBytes(run, item, listBytes(list, verify.file), verify.verify)
  if (isRefusedMaterial(checked)) return checked
  for (const [algorithm, hex] of checksumsFor(list, verify.entry)) {
    const found = Buffer.from(bytes.digests.get(algorithm) ?? []).toString('hex')
    if (found !== hex)
      throw fail('materials/other-bytes', `The signed checksum file has another ${algorithm} for ${item.name}`, {
        expected: hex,
        found,
      })
  }
  return checked
}

function listBytes(list: Uint8Array, name: string): SignedBytes {
  const check = new ByteCheck({ name, digest: new Map(), size: LIMITS.checksumsBytes, also: ['blake2b512'] })
  check.update(list)
  const { bytes, digests } = check.end()
  const content = async function* () {
    yield list
  }
  return { name, size: bytes, digests, content }
}

/** How bytes begin over which attestations, SSH signatures and git objects are signed. */
const DOCUMENTS = /^(?:DSSEv1 |SSHSIG|tree [0-9a-f]{40}\n|object [0-9a-f]{40}\ntype )/

/**
 * 13-adversary 22: what somebody signed for another purpose is a file as well. An OpenPGP signature names no purpose, so a
 * commit's own bytes with the signature out of it would pass for a file that its author never saw.
 * @throws `sigstore/artifact-ambiguous`
 */
async function refuseDocument({ name, content }: SignedBytes): Promise<void> {
  const begin: Uint8Array[] = []
  for await (const chunk of content()) {
    begin.push(chunk)
    if (begin.reduce((sum, part) => sum + part.byteLength, 0) >= 64) break
  }
  const found = DOCUMENTS.exec(latin1(new Uint8Array(Buffer.concat(begin))))?.[0]
  if (found === undefined) return
  throw fail(
    'sigstore/artifact-ambiguous',
    `The material ${name} is itself what another kind of signature is made over`,
    {
      expected: 'a file',
      found: `bytes that begin with ${found.trim()}`,
    },
  )
}
