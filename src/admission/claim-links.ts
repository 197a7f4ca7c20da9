import type { JsonObject } from '../core/json.ts'
import type { AllowRule, ClaimRequirement } from '../policy/policy.ts'
import { SCAI_PREDICATE } from '../statements/scai.ts'
import type { AdmissionAll, AdmissionCondition, AdmissionLink } from './link.ts'
import { equal } from './signer-conditions.ts'

const ATTRIBUTES = ['attributes'] as const
const SIGNED = ['BASE_IMAGE_SIGNATURE_VERIFIED', 'MATERIAL_SIGNATURE_VERIFIED'] as const
const PINNED = ['BASE_IMAGE_DIGEST_PINNED', 'MATERIAL_DIGEST_VERIFIED'] as const
const ALL = ['BASE_IMAGES_DECLARED', 'BUILD_SOURCES_CLOSED_WORLD'] as const

/**
 * What a run claims about its build (docs/predicates/scai.md). That the provenance of the same run names no other material is
 * compared by the gate alone: an engine looks at one statement at a time. `provenanceLink` asks what the provenance says itself.
 */
export function claimLink({ build }: AllowRule, item: ClaimRequirement): AdmissionLink {
  return { item, signer: build, predicateTypes: [SCAI_PREDICATE], conditions: claims(item) }
}

function claims(item: ClaimRequirement): AdmissionAll {
  switch (item) {
    case 'materials-verified':
      return [complete(), eachMaterial(SIGNED_BY_POLICY)]
    case 'materials-pinned':
      return [complete(), eachMaterial([{ is: 'any-of', of: [SIGNED_BY_POLICY, [named(PINNED)]] }])]
    case 'closed-world':
      return [some([equal(['attribute'], 'BUILD_SOURCES_CLOSED_WORLD'), ...CLOSED])]
    case 'reproducible':
      return [some([equal(['attribute'], 'REPRODUCIBLE')])]
  }
}

/** The commit that is built cannot vouch for its own materials, so a key that it declares is not enough. */
const SIGNED_BY_POLICY: AdmissionAll = [named(SIGNED), only({ keys: 'policy' })]

const CLOSED: AdmissionAll = [only({ builder: 'fresh', cache: 'none', network: 'none' })]

/** These conditions and no other: one that is not understood could take back what the attribute says. */
function only(conditions: JsonObject): AdmissionCondition {
  return { path: ['conditions'], is: 'equal', value: conditions }
}

/** Without a claim that these are all, leaving one out would make the rest look complete. */
function complete(): AdmissionCondition {
  return some([named(ALL)])
}

function some(where: AdmissionAll): AdmissionCondition {
  return { path: ATTRIBUTES, is: 'some', where }
}

function eachMaterial(where: AdmissionAll): AdmissionCondition {
  return { path: ATTRIBUTES, is: 'each-target', where }
}

function named(names: readonly [string, ...string[]]): AdmissionCondition {
  return { path: ['attribute'], is: 'one-of', values: names }
}
