import type { Digest } from '../core/digest.ts'
import type { Finding } from '../core/verdict.ts'
import type { Receipt, SubjectReceipt } from './receipt.ts'
import { LINK_WORDS } from './words.ts'

/**
 * Whose word a thing is, and what was checked of it.
 *
 * - `held`: content that hashes to its digest; the registry chose only to serve it.
 * - `verified`: the signature holds, and its signer and content are what the policy or the flags expect.
 * - `refused`: the signature holds, and the policy or the flags do not accept it.
 * - `seen`: the signature holds under the trust root; nobody said who is expected, so anybody may have signed it.
 * - `claimed`: stands inside the signed thing above it, and is no more than its signer's word.
 * - `missing`: nothing of the kind was found.
 */
export type Standing = 'held' | 'verified' | 'refused' | 'seen' | 'claimed' | 'missing'

export interface Fact {
  /** Ours. */
  readonly name: string
  /** From outside, as it was found; never shown but through an escape. */
  readonly value: string
}

/** One hop of the chain with what rests on it, or stands behind it, below. */
export interface InspectedNode {
  readonly what:
    | 'image'
    | 'platform'
    | 'signature'
    | 'provenance'
    | 'commit'
    | 'source'
    | 'source-detail'
    | 'materials'
    | 'materials-claims'
    | 'sbom'
    | 'deploy'
    | 'quarantine'
    | 'statement'
  readonly standing: Standing
  /** A digest, a commit id. */
  readonly about?: string
  /** Who signed, or whose word it is. */
  readonly by?: string
  /** ISO 8601, of a trusted service. */
  readonly signedAt?: string
  readonly log?: { readonly url: string; readonly index: string }
  /** SHA-256 of the bundle. */
  readonly bundle?: Digest
  readonly facts: readonly Fact[]
  /** Of a source detail, oldest first. */
  readonly commits?: readonly InspectedCommit[]
  readonly materials?: readonly InspectedMaterial[]
  readonly below: readonly InspectedNode[]
}

/** As the detail of a source summary tells it: no name of a person, no message. */
export interface InspectedCommit {
  readonly id: string
  readonly kind: string
  readonly basis: string
  readonly principal?: string
  readonly key?: string
  /** Principals who reviewed it. */
  readonly reviewedBy?: readonly string[]
}

export interface InspectedMaterial {
  readonly name: string
  readonly uri?: string
  /** `sha256:…`, `gitCommit:…`; empty: none is named. */
  readonly digest: string
  /** What is claimed of it. */
  readonly claims: readonly string[]
}

export interface InspectedLabel {
  readonly from: 'label' | 'annotation'
  readonly name: string
  readonly value: string
}

export interface InspectedPlatform {
  readonly platform: string
  readonly digest: Digest
  /** Bytes of config and layers, as the manifest states them. */
  readonly size: number
}

/** Where an image comes from, by one provenance: what two images are compared by. */
export interface Origin {
  readonly standing: 'verified' | 'seen'
  readonly by: string
  readonly builder: string
  readonly buildType: string
  readonly repository?: string
  readonly commit?: string
  readonly materials: readonly InspectedMaterial[]
  readonly source?: OriginSource
}

export interface OriginSource {
  readonly standing: 'verified' | 'seen'
  readonly by: string
  readonly policy: { readonly uri: string; readonly digest: string; readonly anchor: string }
  readonly commits: readonly InspectedCommit[]
  /** How many were judged; more than `commits` of a long history. */
  readonly count: number
}

/** Everything that was found out about one image. It is a description: nothing in it is a verdict but `gate`. */
export interface Inspection {
  readonly name: string
  readonly digest: Digest
  /** Absent: its manifest could not be read. */
  readonly kind?: 'index' | 'image'
  readonly platforms: readonly InspectedPlatform[]
  readonly labels: readonly InspectedLabel[]
  readonly chain: InspectedNode
  /** Absent: no provenance, or several that tell different stories of which none is verified. */
  readonly origin?: Origin
  /** Provenances that contradict each other, while nothing tells which one counts. */
  readonly stories: number
  /** Bundles that do not verify and whatever could not be read: named, never evidence. */
  readonly ignored: readonly Finding[]
  /** False: something attached may be missing here. */
  readonly complete: boolean
  /** By what the signatures were checked. */
  readonly trust: string
  /** Who was expected, in words; absent: nobody. */
  readonly expected?: string
  /** What the gate says of it by that; absent: nobody asked. */
  readonly gate?: SubjectReceipt
  readonly policy?: NonNullable<Receipt['policy']>
}

export const NODE_WORDS = {
  image: 'image',
  platform: 'platform',
  ...LINK_WORDS,
  'materials-claims': 'claims about materials',
  statement: 'other statement',
} as const satisfies Record<InspectedNode['what'], string>

export const STANDING_WORDS = {
  held: 'known by digest',
  verified: 'verified',
  refused: 'not accepted',
  seen: 'seen',
  claimed: 'claimed',
  missing: 'nothing found',
} as const satisfies Record<Standing, string>

/** What the words mean, for whoever reads a tree for the first time. */
export const STANDING_MEANINGS = {
  held: 'the content hashes to this digest; the registry served it',
  verified: 'the signature holds, and it is what was expected',
  refused: 'the signature holds, and it is not what was expected',
  seen: 'the signature holds, and nobody said who is expected: anybody may have made it',
  claimed: 'the word of who signed what stands above',
  missing: 'nothing of this kind is attached',
} as const satisfies Record<Standing, string>

/** The first thing to be said of an inspection: that it is none of the gate's words, or whose they are. */
export function standingSentence({ gate, expected, trust }: Inspection): string {
  if (gate === undefined)
    return `Described, not judged: nobody said who is expected. Signatures were checked against ${trust}; whose they are is shown, and anybody may have made them.`
  const verdict = {
    passed: 'passes',
    rejected: 'is rejected',
    unknown: 'could not be checked',
    'not-asked': 'was not judged',
  }
  return `The gate says: the image ${verdict[gate.verdict]}. Expected: ${expected ?? 'a rule for this image'}. Signatures were checked against ${trust}.`
}

/** All nodes, each before what is below it. */
export function nodesOf(node: InspectedNode): readonly InspectedNode[] {
  return [node, ...node.below.flatMap(nodesOf)]
}

/** Bytes of all platforms, as their manifests state them. */
export function sizeOf({ platforms }: Inspection): number {
  return platforms.reduce((sum, { size }) => sum + size, 0)
}
