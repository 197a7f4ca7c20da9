import type { Digest } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import { type Finding, findingOf } from '../core/verdict.ts'
import type { LegacySignature } from './legacy.ts'

export interface FetchedBundle {
  readonly bytes: Uint8Array
  /** The referrer manifest it came with. */
  readonly manifest: Digest
  /** It lay beside the file under judgement, so it belongs to that by its place. */
  readonly beside?: true
}

/** Evidence of one subject as it was found: unverified bytes. */
export interface FetchedBundles {
  /** Those known by digest first, then smallest first. */
  readonly bundles: readonly FetchedBundle[]
  /** Signatures and attestations of cosign ≤ 2. */
  readonly legacy?: readonly LegacySignature[]
  /** False when something was cut, unreadable or not served: then nothing may rest on an absence (13-adversary 26). */
  readonly complete: boolean
  /** What was looked at and left out, with the reason. */
  readonly skipped: readonly Finding[]
  /** The registry may have listed bundles of today's type only (`fetchEvidence` asks for the others). */
  readonly filtered?: boolean
}

export const NOTHING_FOUND: FetchedBundles = { bundles: [], complete: true, skipped: [] }

/** What two places hold together; incomplete when one of them is. */
export function joinFetched(a: FetchedBundles, b: FetchedBundles): FetchedBundles {
  const legacy = [...(a.legacy ?? []), ...(b.legacy ?? [])]
  return {
    bundles: [...a.bundles, ...b.bundles],
    ...(legacy.length === 0 ? {} : { legacy }),
    complete: a.complete && b.complete,
    skipped: [...a.skipped, ...b.skipped],
  }
}

/** What is plainly something else is left out; anything else that fails may have been what is looked for. */
const SOMETHING_ELSE: ReadonlySet<string> = new Set(['registry/bundle-skipped', 'registry/manifest-malformed'])

/** Counts and names what is left out of one subject's evidence (13-adversary 26). */
export class LeftOut {
  readonly findings: Finding[] = []
  complete = true

  /** @returns undefined, for use in a `catch` */
  skip(what: string, error: unknown): undefined {
    const known = asWaybillError(error)
    this.note(what, known)
    if (!SOMETHING_ELSE.has(known.code)) this.complete = false
    return undefined
  }

  /** As `skip`, for what must not be missed although it failed. */
  note(what: string, error: unknown): void {
    this.findings.push(findingOf(asWaybillError(error), what, 'note'))
  }
}
