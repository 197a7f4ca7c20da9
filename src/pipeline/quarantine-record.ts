import { type Digest, sha256 } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import type { ObservedSigner } from '../core/signer.ts'
import type { Verified } from '../core/verified.ts'
import { randomWord } from '../io/door.ts'
import { attachBundles } from '../registry/bundles.ts'
import type { RegistryClient } from '../registry/client.ts'
import { pushFileBundles } from '../registry/file-bundles.ts'
import type { Descriptor } from '../registry/manifest.ts'
import { formatReference, type Repository } from '../registry/reference.ts'
import type { AttestationReceipt } from '../report/receipt.ts'
import type { SignedBundle, SigningSession } from '../sigstore/sign/session.ts'
import { isQuarantine, type QuarantineRecord, quarantineStatement, readQuarantine } from '../statements/quarantine.ts'
import type { SignedStatement } from '../statements/statement.ts'
import { QUARANTINE_PREDICATE } from '../statements/uris.ts'

/** What a record says; what makes it one of its own is added when it is signed. */
export type QuarantineWord = Omit<QuarantineRecord, 'nonce'>

/** Who signs records: a certificate's session, or a key. */
export interface RecordSigner {
  readonly signer: ObservedSigner
  /** Without `signedAt` no service has seen the signature. */
  sign(statement: Uint8Array): Promise<Pick<SignedBundle, 'bundle' | 'log'> & { readonly signedAt?: Date }>
}

/** A session as a signer of records. @throws `sigstore/…` when no certificate can be had. */
export async function recordSigner(session: SigningSession): Promise<RecordSigner> {
  return { signer: await session.certificate(), sign: statement => session.sign(statement) }
}

/** All that writing a signed record may ask of the world. */
export interface RecordPorts {
  /** Opens it at the first question. Whoever opens it has made sure that names of a private repository do not become public. */
  signer(): Promise<RecordSigner>
  /** Keeps a bundle on disk the moment it exists. @returns where. */
  keep(name: string, bytes: Uint8Array): Promise<string>
}

export interface SignedRecord {
  readonly receipt: AttestationReceipt
  /** SHA-256 of the signed bytes: what a release names. */
  readonly payload: Digest
  readonly bundle: Uint8Array
  readonly signedAt: Date
}

/** Where an image is: its record is attached to exactly this manifest. */
export interface RecordedImage {
  readonly repository: Repository
  readonly subject: Descriptor
}

/**
 * Signs a quarantine record or a release and has it logged (13-adversary 31): the early warning. It is on disk before anything
 * else happens to it. @throws `sigstore/…` of kind unknown when a service cannot be reached.
 */
export async function signRecord(word: QuarantineWord, ports: RecordPorts): Promise<SignedRecord> {
  // Drawn anew also for a word that was read from another record: no two may have the same bytes.
  const statement = quarantineStatement({ ...word, nonce: randomWord() })
  const payload = sha256(statement)
  const signer = await ports.signer()
  const { bundle, signedAt, log } = await signer.sign(statement)
  // Records are ordered by the time of a log or timestamp authority; without one it would count for nobody.
  if (signedAt === undefined)
    throw fail('sigstore/no-service', 'A quarantine record needs a time that a service gave', {
      expected: 'a signing configuration with a log or a timestamp authority',
    })
  const name = `${word.decision}-${word.digest.slice(7, 19)}-${payload.slice(7, 19)}.sigstore.json`
  const path = await ports.keep(name, bundle)
  const receipt = { predicateType: QUARANTINE_PREDICATE, subject: word.digest, bundle: path }
  return { receipt: { ...receipt, ...(log === undefined ? {} : { log }) }, payload, bundle, signedAt }
}

/** Attaches a signed record to its image as a referrer. */
export async function attachRecord(
  { repository, subject }: RecordedImage,
  signed: SignedRecord,
  registry: RegistryClient,
): Promise<SignedRecord> {
  const { bundle, signedAt } = signed
  const item = { subject, bundle, predicateType: QUARANTINE_PREDICATE, created: signedAt }
  const [attached] = await attachBundles(registry, repository, [item])
  if (attached === undefined) return signed
  const stored = [`${formatReference(repository)} (${attached.stored})`]
  return { ...signed, receipt: { ...signed.receipt, manifest: attached.manifest, stored } }
}

/** Keeps the signed record of a file where the file's digest finds it (6-sign-and-publish § 2). */
export async function storeFileRecord(
  repository: Repository,
  signed: SignedRecord,
  registry: RegistryClient,
): Promise<SignedRecord> {
  const { receipt, bundle } = signed
  const { tag, manifest } = await pushFileBundles(registry, repository, receipt.subject, [bundle])
  return { ...signed, receipt: { ...receipt, manifest, stored: [formatReference({ ...repository, tag })] } }
}

/**
 * The record of the same scope that this signer wrote already and nobody of his released: a gate that runs every hour must not
 * write one every hour.
 * @param signed statements that were verified, of anybody.
 */
export function standingRecord(
  record: QuarantineWord,
  signed: readonly Verified<SignedStatement>[],
  signer: ObservedSigner,
): Verified<SignedStatement> | undefined {
  const own = signed.filter(item => isQuarantine(item.statement) && isBy(item, signer))
  const words = own.flatMap(item => {
    try {
      return [{ item, word: readQuarantine(item.statement) }]
    } catch {
      return [] // not of the documented form: no word at all
    }
  })
  // Ordered as the gate orders them: a release ends what was signed before it.
  const isReleased = ({ payload, signedAt }: SignedStatement) =>
    words.some(({ item, word }) => word.releases === payload && isNotBefore(item.signedAt, signedAt))
  return words.find(({ item, word }) => sameScope(word, record) && !isReleased(item))?.item
}

/** Without both times nobody knows, and the record stands. */
export function isNotBefore(release: Date | undefined, record: Date | undefined): boolean {
  return release !== undefined && record !== undefined && release >= record
}

function isBy({ signer }: SignedStatement, me: ObservedSigner): boolean {
  if (signer.kind === 'key' || me.kind === 'key')
    return signer.kind === me.kind && signer.fingerprint === me.fingerprint
  return signer.san.value === me.san.value && signer.issuer === me.issuer
}

function sameScope(a: QuarantineWord, b: QuarantineWord): boolean {
  return a.decision === b.decision && a.digest === b.digest && a.policy === b.policy && a.environment === b.environment
}
