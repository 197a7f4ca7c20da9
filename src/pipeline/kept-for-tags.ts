import { sha256 } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import { foreignSigner } from '../policy/same-attestation.ts'
import { parseBundle, partsOf } from '../sigstore/bundle.ts'
import { legacyLayer } from '../sigstore/legacy-layer.ts'
import type { Wanted } from './legacy-signatures.ts'

interface Kept {
  readonly bytes: Uint8Array
  readonly place: string
}

interface Found {
  readonly bundle: Uint8Array
  readonly log?: undefined
}

/**
 * Signatures for tags that an earlier attempt left on disk or in its state. Their files say nothing of what they are over, so each is
 * tried as what is wanted; it counts if it verifies as that, by this very run (13-adversary 24).
 */
export class KeptForTags {
  readonly #unused: Map<string, Kept>
  readonly #why = new Map<string, string>()

  constructor(kept: readonly Kept[]) {
    this.#unused = new Map(kept.map(one => [one.place, one]))
  }

  find({ payload, own, verify }: Wanted): Found | undefined {
    if (own === undefined) return undefined
    for (const [place, { bytes }] of this.#unused) {
      try {
        const { content } = partsOf(parseBundle(bytes))
        if (content.form !== 'message' || sha256(payload) !== `sha256:${content.digest.toString('hex')}`) continue
        const { signer } = verify({ ...legacyLayer(bytes, payload), manifest: sha256(bytes) })
        const foreign = foreignSigner(signer, own)
        if (foreign === undefined) {
          this.#unused.delete(place)
          return { bundle: bytes }
        }
        this.#why.set(place, 'another run, or somebody else, signed it')
      } catch (error) {
        this.#why.set(place, `it does not verify: ${asWaybillError(error).code}`)
      }
    }
    return undefined
  }

  /** What was found and not used: somebody may have planted it. */
  notices(): readonly string[] {
    if (this.#unused.size === 0) return []
    const told = [...this.#unused.keys()]
      .slice(0, MOST_TOLD)
      .map(place => `${place} (${this.#why.get(place) ?? 'it is about something else'})`)
    const more = this.#unused.size > MOST_TOLD ? ` and ${this.#unused.size - MOST_TOLD} more` : ''
    return [`Found and ignored, because it is no signature for a tag of this run: ${told.join(', ')}${more}.`]
  }
}

/** As of statements. */
const MOST_TOLD = 5
