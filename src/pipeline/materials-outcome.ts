import type { AllowedMaterials } from '../build/allowed.ts'
import type { Digest } from '../core/digest.ts'
import type { Finding, Outcome } from '../core/verdict.ts'
import type { MaterialItem } from '../materials/manifest/item.ts'
import type { MaterialReceipt } from '../report/receipt.ts'
import type { ExportedSubmodule } from '../source/export-graft.ts'
import type { StageClaim } from '../statements/provenance.ts'
import type { ScaiKeys } from '../statements/scai.ts'

/** One thing that goes into a build, with what was proved of it. */
export interface JudgedMaterial {
  /** Canonical, as in the receipt. */
  readonly name: string
  readonly kind: Exclude<MaterialReceipt['kind'], 'lfs'>
  /** `docker-image://…`, `https://…`, `git+https://…@…`, `artifact://…`. */
  readonly uri: string
  readonly places: readonly string[]
  /** Algorithm → lower-case hex; empty only when the verdict is not passed. */
  readonly digest: Readonly<Record<string, string>>
  readonly verdict: Outcome
  readonly findings: readonly Finding[]
  /** Absent when nothing was proved. */
  readonly proof?: MaterialProof
}

/** A signature says who, a digest only which bytes: both are told apart everywhere (4-materials § 5). */
export type MaterialProof =
  | {
      readonly kind: 'signature'
      readonly keys: ScaiKeys
      /** Who, in words. */
      readonly by: string
      /** SHA-256 of the bundle, signature file or tag object that was verified. */
      readonly evidence: Digest
    }
  | { readonly kind: 'digest' }

/** A material of the manifest that was fetched and verified, where it lies now. */
export interface FetchedMaterial {
  readonly item: MaterialItem
  readonly judged: JudgedMaterial
  /** Verified bytes on disk: a file, or for a repository a folder with its tree. Absent for images, and for what was refused. */
  readonly path?: string
  /** Bytes. */
  readonly size?: number
  /** Which of its addresses answered. */
  readonly from?: string
  /** Every host that answered on the way, redirects too. */
  readonly hosts?: readonly string[]
  /** Of a submodule: its verified tree, with those inside it. */
  readonly submodule?: ExportedSubmodule
}

/** What the rest of the run needs to know of the materials. */
export interface MaterialsOutcome {
  readonly claim: StageClaim
  /** Under `enforce` alone: everything else is kept out. */
  readonly allowed?: AllowedMaterials
  readonly judged: readonly JudgedMaterial[]
  /** Verified files that have to lie in the context: path relative to the root of the context → file or folder on disk. */
  readonly placed: ReadonlyMap<string, { readonly path: string; readonly unpack?: 'tar' | 'zip' }>
  /** Verified submodules of the commit itself, by path, one character a byte; absent: none were asked for. */
  readonly submodules?: ReadonlyMap<string, ExportedSubmodule>
  /** Named contexts that the manifest declares: name → `docker-image://…` or a folder; in every mode. */
  readonly contexts: ReadonlyMap<string, string>
  /** The resolved manifest as it was kept, once something was judged. */
  readonly resolved?: { readonly bytes: Uint8Array; readonly digest: Digest; readonly path: string }
}
