import { toMessageSignatureBundle } from '@sigstore/bundle'
import { type Digest, hexOf, sha256 } from '../../core/digest.ts'
import { fail } from '../../core/error.ts'
import { simpleSigningPayload } from '../../statements/simple-signing.ts'
import { serialiseBundle } from '../bundle.ts'
import { legacyLayer } from '../legacy-layer.ts'
import { verifyLegacy } from '../verify/verify.ts'
import { quorum } from './quorum.ts'
import { logMessageByRekorV1 } from './rekor-v1.ts'
import { waitingFor } from './service.ts'
import { type Hand, judgeOf, timeOf, verifyWhole, type WitnessedBundle, type Witnesses } from './witness.ts'

/**
 * Signs that a digest stands in a repository. What comes back is a bundle over the payload's own bytes, which keeps all that a tag of
 * cosign ≤ 2 needs: the signature, the certificate or hint, one entry of a log that promises inclusion. The payload is not in it:
 * `simpleSigningPayload` makes the same again. Nobody's bytes but these are ever signed so (13-adversary 22).
 * @throws `sigstore/log-unavailable`, `sigstore/log-answer-malformed`, `sigstore/log-without-promise`, `sigstore/service-not-trusted`
 */
export async function signSimply(
  { repository, digest }: { readonly repository: string; readonly digest: Digest },
  hand: Hand,
  witnesses: Witnesses,
): Promise<WitnessedBundle & { readonly signedAt: Date }> {
  const { transport, services, log } = witnesses
  const logs = log ? services.rekor.filter(({ majorApiVersion }) => majorApiVersion === 1) : []
  if (logs.length === 0)
    throw fail('sigstore/log-without-promise', 'A signature in a tag needs a transparency log that promises inclusion')
  const message = simpleSigningPayload(repository, digest)
  const signature = hand.sign(message)
  const { publicKey, certificate } = hand
  const signed = { message, signature, publicKey, ...(certificate === undefined ? {} : { certificate }) }
  // One place for one promise is all that such a tag has.
  const judge = await judgeOf(signed, witnesses)
  const [first] = await quorum(logs, 1, async ({ url }, waiting) => {
    const entry = await logMessageByRekorV1(waitingFor(transport, waiting), url, signed)
    judge.entry(url, entry)
    return { entry, url }
  })
  if (first === undefined) throw new TypeError('a quorum of none')
  const bundle = toMessageSignatureBundle({
    digest: Buffer.from(hexOf(sha256(message)), 'hex'),
    signature,
    ...(certificate === undefined ? {} : { certificate: Buffer.from(certificate) }),
    ...(hand.hint === undefined ? {} : { keyHint: hand.hint }),
    certificateChain: false,
  })
  bundle.verificationMaterial.tlogEntries = [first.entry]
  const bytes = serialiseBundle(bundle)
  const layer = legacyLayer(bytes, message) // what is kept must be what our own gate reads, in the form in which it reads it
  await verifyWhole(hand, witnesses, (root, need) => verifyLegacy(layer, root, need))
  const signedAt = timeOf({ entries: [first], stamps: [] })
  return { bundle: bytes, signedAt, log: { url: first.url, index: first.entry.logIndex } }
}
