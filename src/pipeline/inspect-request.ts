import type { Digest } from '../core/digest.ts'
import type { Finding } from '../core/verdict.ts'
import type { Verified } from '../core/verified.ts'
import type { Expectation } from '../policy/gate.ts'
import type { Reference } from '../registry/reference.ts'
import type { InspectedLabel, InspectedPlatform, Inspection } from '../report/inspection.ts'
import type { SubjectReceipt } from '../report/receipt.ts'
import type { SignedStatement } from '../statements/statement.ts'
import type { Reach, VerifyPorts } from './verify-request.ts'

export interface InspectRequest {
  readonly reference: Reference
  /** Where to look and by which root; all of an expectation that a description needs. */
  readonly reach: Reach
  /** Present: the gate's verdict is told beside the description. */
  readonly expectation?: Expectation
  /** No rule of the policy matches, so there is nothing to judge by. */
  readonly unruled?: SubjectReceipt
  readonly policy?: NonNullable<Inspection['policy']>
  /** In words: `the public Sigstore instance`. */
  readonly trust: string
}

/** What a registry serves of the image itself. */
export interface ImageFacts {
  readonly kind?: 'index' | 'image'
  readonly platforms: readonly InspectedPlatform[]
  readonly labels: readonly InspectedLabel[]
  /** What could not be read. */
  readonly skipped: readonly Finding[]
}

export interface InspectPorts extends VerifyPorts {
  /** Never throws. */
  image(reference: Reference, digest: Digest): Promise<ImageFacts>
}

/** All that was found, before it is put in order. */
export interface Found {
  readonly digest: Digest
  readonly image: ImageFacts
  readonly relatives: { readonly platforms: readonly Digest[]; readonly parents: readonly Digest[] }
  /** Everything whose signature holds, of anybody. */
  readonly statements: readonly Verified<SignedStatement>[]
  readonly ignored: readonly Finding[]
  readonly complete: boolean
  readonly gate?: SubjectReceipt
}
