import { type Digest, sha256 } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import type { ObservedSigner } from '../core/signer.ts'
import { together } from '../core/together.ts'
import type { AttestationReceipt } from '../report/receipt.ts'
import { parseStatement } from '../statements/parse.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import type { ServedImage } from './digest-stage.ts'
import type { EarlierBundle, EarlierBundles } from './resume.ts'
import type { RunRecord } from './run.ts'
import type { Hand } from './signing-hand.ts'

/** Below the run's own folder: every bundle the moment it exists, and what another attempt is resumed from. */
export const BUNDLE_FOLDER = 'bundles'
export { LEGACY_FOLDER } from './resume.ts'

/** A statement to be signed, and the name of its bundle on disk. */
export interface Document {
  readonly name: string
  readonly predicateType: string
  readonly statement: Uint8Array
}

export interface SignedDocument {
  readonly predicateType: string
  readonly bytes: Uint8Array
  readonly digest: Digest
  readonly signedAt: Date
  readonly path: string
  readonly log?: { readonly url: string; readonly index: string }
}

export interface SigningWorld {
  readonly request: AttestRequest
  readonly ports: AttestPorts
  readonly image: ServedImage
  readonly earlier: EarlierBundles
  /** Asked only where something is left to sign: a certificate would be public for ever. */
  readonly hand: () => Promise<Hand>
  readonly record: RunRecord
}

type Several<T> = readonly [T, ...T[]]

/**
 * Takes what an earlier attempt of this run signed already in place of signing again, and signs the rest; where nothing is left to sign,
 * no certificate is asked for. What came of it is told in the record.
 * @throws `sigstore/…`
 */
export async function signMissing(
  documents: Several<Document>,
  world: SigningWorld,
): Promise<{ readonly signer: ObservedSigner; readonly bundles: Several<SignedDocument> }> {
  const { request, ports, earlier, record } = world
  const found = await foundOf(documents, world)
  tell(documents, found, world)
  const missing = documents.some((_, at) => found[at] === undefined)
  // A key is at hand and tells who it is; of the run's identity a certificate would be public for ever.
  const hand = missing || request.keyed !== undefined ? await world.hand() : undefined
  const signer = hand?.signer ?? found.find(bundle => bundle !== undefined)?.signed.signer
  if (signer === undefined) throw fail('core/internal', 'Nothing signed and nobody to sign')
  const { own } = earlier
  if (hand === undefined && own?.kind === 'run') record.identity = { san: own.san, issuer: own.issuer }
  const finish = async (document: Document, at: number): Promise<SignedDocument> => {
    const bundle = found[at]
    if (bundle === undefined && hand === undefined) throw fail('core/internal', 'A statement without a signer')
    const signed =
      bundle === undefined ? await sign(document, hand as Hand, ports) : await keepFound(document, bundle, ports)
    // Told at once: another may fail, and whoever reads the result looks for this one.
    record.attestations = [...record.attestations, receiptOf(signed, world.image)]
    return signed
  }
  const [first, ...others] = documents
  // All are waited for: each that was signed is kept, whatever happens to another.
  const bundles = await together([finish(first, 0), ...others.map((document, at) => finish(document, at + 1))] as const)
  return { signer, bundles }
}

/** In the order of the documents. An attempt that was cut may have attached something to a platform and not yet to the index. */
async function foundOf(
  documents: readonly Document[],
  { image, earlier }: SigningWorld,
): Promise<readonly (EarlierBundle | undefined)[]> {
  const statements = documents.map(({ statement }) => parseStatement(statement))
  const look = () => Promise.all(statements.map(statement => earlier.find(statement)))
  const found = await look()
  if (!earlier.again || image.kind === 'image' || found.every(bundle => bundle !== undefined)) return found
  earlier.lookBeside(image.platforms.map(({ digest }) => digest))
  return look()
}

function tell(
  documents: readonly Document[],
  found: readonly (EarlierBundle | undefined)[],
  { earlier, record }: SigningWorld,
): void {
  record.notices.push(...earlier.notices(documents.map(({ statement }) => parseStatement(statement))))
  const there = found.filter(bundle => bundle !== undefined).length
  if (there > 0 || earlier.again)
    record.notices.push(`resumed: ${there} of ${documents.length} statements were there, signed by an earlier attempt.`)
}

async function keepFound(
  { name, predicateType }: Document,
  found: EarlierBundle,
  ports: AttestPorts,
): Promise<SignedDocument> {
  const { bytes, signed } = found
  const { signedAt, log, bundle: digest } = signed
  if (signedAt === undefined) throw fail('core/internal', 'A found bundle without a time')
  const path = await ports.keep(pathOf(name), bytes)
  return { predicateType, bytes, digest, signedAt, path, ...(log === undefined ? {} : { log }) }
}

async function sign(
  { name, predicateType, statement }: Document,
  hand: Hand,
  ports: AttestPorts,
): Promise<SignedDocument> {
  const { bundle, signedAt, log } = await hand.sign(statement)
  const path = await ports.keep(pathOf(name), bundle)
  return { predicateType, bytes: bundle, digest: sha256(bundle), signedAt, path, ...(log === undefined ? {} : { log }) }
}

/** Nobody has published it yet. */
export function receiptOf({ predicateType, path, log }: SignedDocument, image: ServedImage): AttestationReceipt {
  return {
    predicateType,
    subject: image.descriptor.digest,
    bundle: path,
    ...(log === undefined ? {} : { log }),
  }
}

function pathOf(name: string): string {
  return `${BUNDLE_FOLDER}/${name}.sigstore.json`
}
