import type { Digest } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import type { Verified } from '../core/verified.ts'
import {
  attachRecord,
  isNotBefore,
  type QuarantineWord,
  type RecordPorts,
  type SignedRecord,
  signRecord,
  storeFileRecord,
} from '../pipeline/quarantine-record.ts'
import { fetchBundles } from '../registry/bundles.ts'
import type { RegistryClient } from '../registry/client.ts'
import type { FetchedBundles } from '../registry/fetched.ts'
import { fetchFileBundles } from '../registry/file-bundles-read.ts'
import { formatReference, type Repository } from '../registry/reference.ts'
import type { TrustRoot } from '../sigstore/trust/root.ts'
import type { KeyMaterial } from '../sigstore/verify/keys.ts'
import { needUnder } from '../sigstore/verify/need.ts'
import { verifyBundle } from '../sigstore/verify/verify.ts'
import { isQuarantine, type QuarantineRecord, readQuarantine } from '../statements/quarantine.ts'
import type { SignedStatement } from '../statements/statement.ts'
import { filesRepository } from './commands/attest-file.ts'
import type { Target } from './quarantine-target.ts'

/** A verified record or release about an image or file, of anybody: whether it counts, the gate's rule says (`quarantine-by`). */
export interface FoundRecord {
  readonly signed: Verified<SignedStatement>
  readonly word: QuarantineRecord
  /** A later release of the same signer names it. */
  readonly released: boolean
}

export interface FoundRecords {
  /** Oldest first. */
  readonly records: readonly FoundRecord[]
  /** Bundles that did not verify under this root, or are malformed: no evidence. */
  readonly ignored: number
  /** False: the list could not be read to its end, so there may be more. */
  readonly complete: boolean
}

/** Where signed records about one digest are kept: attached to an image, or in the repository with the bundles of files. */
export interface RecordPlace {
  readonly name: string
  read(): Promise<FetchedBundles>
  write(word: QuarantineWord, ports: RecordPorts): Promise<SignedRecord>
}

/**
 * @param files repository with the bundles of files, as given; records of anything but an image have no other place.
 * @throws `entry/usage` for a repository with a tag or digest
 */
export function recordPlace(
  target: Target,
  files: string | undefined,
  registry: RegistryClient,
): RecordPlace | undefined {
  if (target.kind !== 'image')
    return files === undefined ? undefined : filePlace(filesRepository(files), target, registry)
  const { reference, subject, digest, name } = target
  return {
    name,
    read: () => fetchBundles(registry, reference, digest),
    write: async (word, ports) =>
      attachRecord({ repository: reference, subject }, await signRecord(word, ports), registry),
  }
}

function filePlace(repository: Repository, { digest, name }: Target, registry: RegistryClient): RecordPlace {
  return {
    name: `${name} in ${formatReference(repository)}`,
    read: () => fetchFileBundles(registry, repository, digest),
    write: async (word, ports) => storeFileRecord(repository, await signRecord(word, ports), registry),
  }
}

/**
 * The records at a place that verify under one trust root, or by a key that the caller holds. @throws when no list could be
 * read at all.
 */
export async function recordsOf(
  place: RecordPlace,
  digest: Digest,
  trust: TrustRoot,
  keys: readonly KeyMaterial[] = [],
): Promise<FoundRecords> {
  const { bundles, complete } = await place.read()
  const need = { ...needUnder(trust), ...(keys.length === 0 ? {} : { keys }) }
  const words: Omit<FoundRecord, 'released'>[] = []
  let ignored = 0
  for (const { bytes } of bundles) {
    try {
      const signed = verifyBundle(bytes, trust, need)
      if (!isQuarantine(signed.statement)) continue
      const word = readQuarantine(signed.statement)
      if (word.digest === digest) words.push({ signed, word })
    } catch (error) {
      // An error that is not ours is a fault of ours, not of the bundle.
      if (asWaybillError(error).code === 'core/internal') throw error
      ignored += 1
    }
  }
  words.sort((a, b) => Number(a.signed.signedAt ?? 0) - Number(b.signed.signedAt ?? 0))
  return { records: words.map(item => ({ ...item, released: isReleased(item, words) })), ignored, complete }
}

function isReleased(
  { signed }: Omit<FoundRecord, 'released'>,
  words: readonly Omit<FoundRecord, 'released'>[],
): boolean {
  return words.some(
    other =>
      other.word.releases === signed.payload &&
      isNotBefore(other.signed.signedAt, signed.signedAt) &&
      signerText(other.signed) === signerText(signed),
  )
}

/** Who signed, in one line. */
export function signerText({ signer }: SignedStatement): string {
  return signer.kind === 'key' ? `key ${signer.fingerprint}` : `${signer.san.value} by ${signer.issuer}`
}
