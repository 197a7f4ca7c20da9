import { type BundleWithDsseEnvelope, bundleFromJSON, bundleToJSON } from '@sigstore/bundle'
import { X509Certificate } from '@sigstore/core'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { DSSEBundleBuilder, FulcioSigner, RekorWitness, TSAWitness, type Witness } from '@sigstore/sign'
import { type Signer, toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'
import type { ClaimOverrides } from './claims.ts'
import type { Stack } from './stack.ts'

export const STATEMENT_TYPE = 'application/vnd.in-toto+json'

export interface ReferenceOptions {
  readonly claims?: ClaimOverrides
  /** Default: Rekor v1 and the timestamp authority. */
  readonly witnesses?: Witness[]
  readonly payload?: string
}

let count = 0
/** A bundle made by the public client libraries, not by Waybill, against a stack; by default over a payload never used before. */
export async function referenceBundle(stack: Stack, options: ReferenceOptions = {}): Promise<BundleWithDsseEnvelope> {
  const identityProvider = { getToken: () => stack.oidc.mint(options.claims) }
  const builder = new DSSEBundleBuilder({
    signer: new FulcioSigner({ fulcioBaseURL: stack.fulcio.url, identityProvider }),
    witnesses: options.witnesses ?? [rekorWitness(stack), timestampWitness(stack)],
  })
  const data = Buffer.from(options.payload ?? `{"n":${count++}}`)
  const bundle = await builder.create({ data, type: STATEMENT_TYPE })
  return bundleFromJSON(bundleToJSON(bundle)) as BundleWithDsseEnvelope
}

export const rekorWitness = (stack: Stack): Witness => new RekorWitness({ rekorBaseURL: stack.rekorV1.url })
export const timestampWitness = (stack: Stack): Witness => new TSAWitness({ tsaBaseURL: stack.timestamp.url })

/** Verifies with the public library and the stack's trusted root. @throws as that library does. */
export function referenceVerify(
  stack: Stack,
  bundle: BundleWithDsseEnvelope,
  need: { readonly logs?: number; readonly timestamps?: number } = {},
): Signer {
  const trust = toTrustMaterial(TrustedRoot.fromJSON(stack.trustedRoot))
  const thresholds = { tlogThreshold: need.logs ?? 1, ctlogThreshold: 1, timestampThreshold: need.timestamps ?? 1 }
  return new Verifier(trust, thresholds).verify(toSignedEntity(bundle))
}

/** DER of the signing certificate. */
export function leafOf(bundle: BundleWithDsseEnvelope): Buffer<ArrayBuffer> {
  const content = bundle.verificationMaterial.content
  if (content.$case === 'certificate') return Buffer.from(content.certificate.rawBytes)
  const [leaf] = content.$case === 'x509CertificateChain' ? content.x509CertificateChain.certificates : []
  if (leaf === undefined) throw new Error('the bundle has no certificate')
  return Buffer.from(leaf.rawBytes)
}

/** Fulcio's extension 1.3.6.1.4.1.57264.1.<id> as text; below 8 they are raw, from 8 on DER UTF8String. */
export function extensionText(certificate: Buffer<ArrayBuffer>, id: number): string | undefined {
  const found = X509Certificate.parse(certificate).extension(`1.3.6.1.4.1.57264.1.${id}`)
  if (found === undefined) return undefined
  return id < 8 ? found.value.toString() : found.valueObj.subs[0]?.value.toString()
}
