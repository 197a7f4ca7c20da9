import { BUILD_ERRORS } from './catalogue/build.ts'
import { CHAIN_ERRORS } from './catalogue/chain.ts'
import { CORE_ERRORS } from './catalogue/core.ts'
import { DEPLOY_ERRORS } from './catalogue/deploy.ts'
import { ENTRY_ERRORS } from './catalogue/entry.ts'
import { GATE_ERRORS } from './catalogue/gate.ts'
import { GITHUB_ERRORS } from './catalogue/github.ts'
import { JUDGEMENT_ERRORS } from './catalogue/judgement.ts'
import { MATERIALS_ERRORS } from './catalogue/materials.ts'
import { PIPELINE_ERRORS } from './catalogue/pipeline.ts'
import { POLICY_ERRORS } from './catalogue/policy.ts'
import { REGISTRY_ERRORS } from './catalogue/registry.ts'
import { SIGSTORE_ERRORS } from './catalogue/sigstore.ts'
import { SOURCE_ERRORS } from './catalogue/source.ts'
import { SOURCE_CONTENT_ERRORS } from './catalogue/source-content.ts'
import { STATEMENTS_ERRORS } from './catalogue/statements.ts'
import { SUBJECTS_ERRORS } from './catalogue/subjects.ts'
import { URL_ERRORS } from './catalogue/url.ts'
import { VERIFY_ERRORS } from './catalogue/verify.ts'

/** A row of `docs/errors.md`. `kind` says what the failure means unless the thrower knows better. */
export interface CatalogueEntry {
  readonly kind: 'rejected' | 'unknown' | 'configuration'
  /** What happened and why it matters, for somebody who reads it for the first time. */
  readonly meaning: string
  /** What to do, in general; a thrower that knows the facts gives a better one. */
  readonly remedy: string
}

/** Every error a user can meet. One file a room; codes are stable and never reused. */
export const CATALOGUE = {
  ...CORE_ERRORS,
  ...ENTRY_ERRORS,
  ...GITHUB_ERRORS,
  ...POLICY_ERRORS,
  ...SOURCE_ERRORS,
  ...JUDGEMENT_ERRORS,
  ...MATERIALS_ERRORS,
  ...BUILD_ERRORS,
  ...REGISTRY_ERRORS,
  ...SIGSTORE_ERRORS,
  ...PIPELINE_ERRORS,
  ...STATEMENTS_ERRORS,
  ...VERIFY_ERRORS,
  ...SUBJECTS_ERRORS,
  ...GATE_ERRORS,
  ...CHAIN_ERRORS,
  ...DEPLOY_ERRORS,
  ...URL_ERRORS,
  ...SOURCE_CONTENT_ERRORS,
} as const satisfies Record<`${string}/${string}`, CatalogueEntry>
