import { type Digest, sha256 } from '../../src/core/digest.ts'
import { fail } from '../../src/core/error.ts'
import type { Verified } from '../../src/core/verified.ts'
import type { EvidenceSource, SubjectRequest, VerifyPorts, VerifyRequest } from '../../src/pipeline/verify-request.ts'
import { type Expectation, expectationFromFlags } from '../../src/policy/gate.ts'
import type { FetchedBundles } from '../../src/registry/fetched.ts'
import { formatReference, parseReference } from '../../src/registry/reference.ts'
import type { SignedStatement } from '../../src/statements/statement.ts'
import type { Place } from '../../src/subjects/place.ts'
import { ISSUER, SAN, signed } from '../policy/images.ts'
import { NOW } from '../policy/world.ts'

/** Registries, files and cryptography of a gate that exist in memory only. */
export class VerifyWorld {
  /** What a reference without digest means; a digest means itself. */
  readonly tags = new Map<string, Digest>()
  /** Platforms of an index. */
  readonly children = new Map<Digest, readonly Digest[]>()
  /** Indexes that list a manifest. */
  readonly parents = new Map<Digest, readonly Digest[]>()
  /** What the places of a digest answer, in the order to ask; default: one that has nothing. */
  readonly evidence = new Map<Digest, readonly EvidenceSource[]>()
  readonly files = new Map<string, Uint8Array>()
  /** In the order of asking. */
  readonly asked: string[] = []
  /** Largest number of references that were resolved at the same time. */
  busiest = 0
  readonly #statements = new Map<string, Verified<SignedStatement>>()
  #busy = 0

  /** A bundle that verifies as this statement. */
  bundle(statement: Verified<SignedStatement>): Uint8Array {
    this.#statements.set(statement.bundle, statement)
    return Buffer.from(statement.bundle)
  }

  ports(change: Partial<VerifyPorts> = {}): VerifyPorts {
    return {
      resolve: async reference => {
        this.asked.push(formatReference(reference))
        this.busiest = Math.max(this.busiest, ++this.#busy)
        await new Promise(resolve => setImmediate(resolve))
        this.#busy--
        const digest = reference.digest ?? this.tags.get(formatReference(reference))
        if (digest === undefined) throw fail('registry/not-found', 'There is no such tag')
        return {
          digest,
          relatives: async () => {
            this.asked.push(`relatives of ${digest}`)
            const [platforms, parents] = [this.children.get(digest) ?? [], this.parents.get(digest) ?? []]
            return { platforms, parents, complete: true, skipped: [] }
          },
        }
      },
      hashFile: async path => {
        const bytes = this.files.get(path)
        if (bytes === undefined) throw fail('core/file-unreadable', `There is no ${path}`, { kind: 'unknown' })
        const content = async function* () {
          yield bytes
        }
        return { digest: sha256(bytes), size: bytes.byteLength, content }
      },
      evidence: ({ digest }) => {
        const [first, ...more] = this.evidence.get(digest) ?? []
        return [first ?? (async () => holding()), ...more]
      },
      verifier: async () => ({
        bundle: bytes => {
          const found = this.#statements.get(Buffer.from(bytes).toString())
          if (found === undefined) throw fail('sigstore/signature-invalid', 'A bundle that nobody signed')
          return found
        },
      }),
      now: NOW,
      clock: () => 0,
      ...change,
    }
  }
}

export function holding(...bundles: readonly Uint8Array[]): FetchedBundles {
  return { bundles: bundles.map(bytes => ({ bytes, manifest: sha256(bytes) })), complete: true, skipped: [] }
}

export const EXPECTED: Expectation = expectationFromFlags({ certificateIdentity: SAN, certificateOidcIssuer: ISSUER })

export function request(subjects: readonly SubjectRequest[], change: Partial<VerifyRequest> = {}): VerifyRequest {
  return { command: 'verify image', subjects, unreadable: [], expectation: () => EXPECTED, ...change }
}

export function image(text: string, places: readonly Place[] = [], certain = true): SubjectRequest {
  const origin = places.length > 0 ? 'judged' : 'typed'
  return { kind: 'image', reference: parseReference(text), origin, certain, places }
}

export function signature(digest: Digest): Verified<SignedStatement> {
  return signed({ digest })
}
