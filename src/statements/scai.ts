import { fail } from '../core/error.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { arrayAt, objectAt, optional, stringAt, stringMapAt } from '../core/shape.ts'
import { printable } from '../core/text.ts'
import { buildStatement } from './build.ts'
import { reading } from './parse.ts'
import type { Statement, Subject } from './statement.ts'

/**
 * SCAI, Software Supply Chain Attribute Integrity: claims about how something was made, one attribute each.
 *
 *     {"attributes": [{"attribute": "BASE_IMAGE_SIGNATURE_VERIFIED", "target": {"name"?, "uri"?, "digest": {…}},
 *                      "conditions": {…}, "evidence": {"digest": {…}}}, …]}
 *
 * Trap: a claim says nothing of what it does not mention. That every material was checked follows only from a claim that these
 * are all, never from the length of the list.
 * in-toto attestation framework, spec/predicates/scai.md (v0.3); docs/predicates/scai.md for what Waybill's attributes mean.
 */
export const SCAI_PREDICATE = 'https://in-toto.io/attestation/scai/v0.3'

/** A material or a piece of evidence, always by digest: a name without one could be anything tomorrow. */
export interface ScaiResource {
  readonly name?: string
  readonly uri?: string
  /** Algorithm → lower-case hex; at least one. */
  readonly digest: Readonly<Record<string, string>>
}

/** How a build was closed off. */
export interface BuildConditions {
  /** `fresh`: made for this run. */
  readonly builder: 'fresh' | 'shared'
  /** `declared`: imports that the workflow names; `shared`: whatever the builder held. */
  readonly cache: 'none' | 'declared' | 'shared'
  readonly network: 'none' | 'default'
}

/** What a material's signature was checked with: a key of the policy, or one that the judged commit itself declared. */
export type ScaiKeys = 'policy' | 'declared-by-commit'

export type ScaiClaim = SignatureClaim | DigestClaim | DeclaredClaim | ClosedClaim | ReproducibleClaim | OtherClaim

export interface SignatureClaim {
  readonly attribute: 'BASE_IMAGE_SIGNATURE_VERIFIED' | 'MATERIAL_SIGNATURE_VERIFIED'
  readonly target: ScaiResource
  readonly keys: ScaiKeys
  /** The bundle or signature that was verified. */
  readonly evidence: ScaiResource
}

export interface DigestClaim {
  readonly attribute: 'BASE_IMAGE_DIGEST_PINNED' | 'MATERIAL_DIGEST_VERIFIED'
  readonly target: ScaiResource
  readonly evidence?: ScaiResource
}

/** The materials named are all there were: everything else was refused. */
export interface DeclaredClaim {
  readonly attribute: 'BASE_IMAGES_DECLARED'
  /** The resolved manifest of materials. */
  readonly evidence?: ScaiResource
}

export interface ClosedClaim {
  readonly attribute: 'BUILD_SOURCES_CLOSED_WORLD'
  readonly conditions: BuildConditions
  /** The source policy that the builder enforced. */
  readonly evidence: ScaiResource
}

export interface ReproducibleClaim {
  readonly attribute: 'REPRODUCIBLE' | 'NOT_REPRODUCIBLE'
  /** The comparison of the two builds. */
  readonly evidence: ScaiResource
}

/** An attribute this version does not know. It proves nothing; its target still is a material. */
export interface OtherClaim {
  readonly attribute: 'other'
  readonly name: string
  readonly target?: ScaiResource
}

const DIGESTS: Readonly<Record<string, readonly number[]>> = {
  sha256: [64],
  sha384: [96],
  sha512: [128],
  gitCommit: [40, 64],
  gitTree: [40, 64],
}
const NAME = /^[A-Z][A-Z0-9_]{0,99}$/

/**
 * The statement's bytes, ready to be signed. @throws `statements/scai-malformed`, `statements/malformed`
 * @param subjects the image, as in its provenance.
 */
export function scaiStatement(subjects: readonly [Subject, ...Subject[]], claims: readonly ScaiClaim[]): Uint8Array {
  const predicate = { attributes: claims.map(attributeOf) }
  readScai({ subject: subjects, predicateType: SCAI_PREDICATE, predicate })
  return buildStatement({ subjects, predicateType: SCAI_PREDICATE, predicate })
}

function attributeOf(claim: ScaiClaim): JsonObject {
  const name = claim.attribute === 'other' ? claim.name : claim.attribute
  return compact({
    attribute: name,
    target: 'target' in claim && claim.target !== undefined ? resourceOf(claim.target) : undefined,
    conditions: conditionsOf(claim),
    evidence: 'evidence' in claim && claim.evidence !== undefined ? resourceOf(claim.evidence) : undefined,
  })
}

function conditionsOf(claim: ScaiClaim): JsonObject | undefined {
  if ('keys' in claim) return { keys: claim.keys }
  if (!('conditions' in claim)) return undefined
  const { builder, cache, network } = claim.conditions
  return { builder, cache, network }
}

function resourceOf({ name, uri, digest }: ScaiResource): JsonObject {
  return compact({ name, uri, digest })
}

export function isScai({ predicateType }: Statement): boolean {
  return predicateType === SCAI_PREDICATE
}

/**
 * Reads the claims. Attributes that are known are read strictly, with exactly the conditions they need; others are kept by name.
 * @throws `statements/scai-malformed`
 */
export function readScai({ predicate }: Statement): readonly ScaiClaim[] {
  return reading('statements/scai-malformed', () => {
    const list = arrayAt(predicate.attributes, 'attributes')
    if (list.length === 0 || list.length > LIMITS.scaiAttributes)
      throw refused(`1 to ${LIMITS.scaiAttributes} attributes`, String(list.length))
    const claims = list.map((item, at) => claimAt(objectAt(item, `attributes[${at}]`), `attributes[${at}]`))
    refuseTwice(claims)
    return claims
  })
}

function claimAt(item: JsonObject, path: string): ScaiClaim {
  const name = stringAt(item.attribute, `${path}.attribute`)
  switch (name) {
    case 'BASE_IMAGE_SIGNATURE_VERIFIED':
    case 'MATERIAL_SIGNATURE_VERIFIED': {
      const { keys } = conditionsAt(item, path, { keys: ['policy', 'declared-by-commit'] })
      return { attribute: name, target: resourceAt(item.target, `${path}.target`), keys, ...evidenceAt(item, path) }
    }
    case 'BASE_IMAGE_DIGEST_PINNED':
    case 'MATERIAL_DIGEST_VERIFIED':
      unconditional(item, path)
      return { attribute: name, target: resourceAt(item.target, `${path}.target`), ...maybeEvidenceAt(item, path) }
    case 'BASE_IMAGES_DECLARED':
      unconditional(item, path)
      untargeted(item, path)
      return { attribute: name, ...maybeEvidenceAt(item, path) }
    case 'BUILD_SOURCES_CLOSED_WORLD':
      untargeted(item, path)
      return { attribute: name, conditions: conditionsAt(item, path, CONDITIONS), ...evidenceAt(item, path) }
    case 'REPRODUCIBLE':
    case 'NOT_REPRODUCIBLE':
      unconditional(item, path)
      untargeted(item, path)
      return { attribute: name, ...evidenceAt(item, path) }
    default:
      return otherAt(name, item, path)
  }
}

const CONDITIONS = {
  builder: ['fresh', 'shared'],
  cache: ['none', 'declared', 'shared'],
  network: ['none', 'default'],
} as const

function otherAt(name: string, item: JsonObject, path: string): OtherClaim {
  if (!NAME.test(name)) throw refused('an attribute in capital letters', name)
  const target = optional(item.target, resourceAt, `${path}.target`)
  return { attribute: 'other', name, ...(target === undefined ? {} : { target }) }
}

type Words = Readonly<Record<string, readonly string[]>>

/** Closed on both sides: a condition that is not understood could take back what the attribute says. */
function conditionsAt<const W extends Words>(
  item: JsonObject,
  path: string,
  words: W,
): { [K in keyof W]: W[K][number] } {
  const conditions = objectAt(item.conditions, `${path}.conditions`)
  const unknown = Object.keys(conditions).find(key => !Object.hasOwn(words, key))
  if (unknown !== undefined) throw refused(`${Object.keys(words).join(', ')} at ${path}.conditions`, unknown)
  const read = Object.entries(words).map(([key, allowed]) => {
    const word = stringAt(conditions[key], `${path}.conditions.${key}`)
    if (!allowed.includes(word)) throw refused(`${allowed.join(' or ')} at ${path}.conditions.${key}`, word)
    return [key, word] as const
  })
  return Object.fromEntries(read) as { [K in keyof W]: W[K][number] }
}

function unconditional(item: JsonObject, path: string): void {
  if (item.conditions !== undefined) throw refused(`no conditions at ${path}`, 'conditions')
}

function untargeted(item: JsonObject, path: string): void {
  if (item.target !== undefined) throw refused(`a claim about the subject itself at ${path}`, 'a target')
}

function evidenceAt(item: JsonObject, path: string): { readonly evidence: ScaiResource } {
  return { evidence: resourceAt(item.evidence, `${path}.evidence`) }
}

function maybeEvidenceAt(item: JsonObject, path: string): { readonly evidence?: ScaiResource } {
  return item.evidence === undefined ? {} : evidenceAt(item, path)
}

function resourceAt(value: Json | undefined, path: string): ScaiResource {
  const object = objectAt(value, path)
  const name = optional(object.name, stringAt, `${path}.name`)
  const uri = optional(object.uri, stringAt, `${path}.uri`)
  const digest = stringMapAt(objectAt(object.digest, `${path}.digest`), `${path}.digest`)
  const known = Object.entries(digest).filter(([algorithm]) => Object.hasOwn(DIGESTS, algorithm))
  if (known.length === 0) throw refused(`a digest of a known algorithm at ${path}`, Object.keys(digest).join(', '))
  for (const [algorithm, hex] of known)
    if (!/^[0-9a-f]*$/.test(hex) || DIGESTS[algorithm]?.includes(hex.length) !== true)
      throw refused(`lower-case hex at ${path}.digest.${algorithm}`, hex)
  return { ...(name === undefined ? {} : { name }), ...(uri === undefined ? {} : { uri }), digest }
}

/** Two claims of one kind about one thing could differ in their conditions, and readers in which of them they take. */
function refuseTwice(claims: readonly ScaiClaim[]): void {
  const seen = new Set<string>()
  for (const claim of claims) {
    const target = 'target' in claim ? claim.target : undefined
    const name = claim.attribute === 'other' ? claim.name : claim.attribute
    const key = JSON.stringify([name, target?.uri, Object.entries(target?.digest ?? {}).sort()])
    if (seen.has(key)) throw refused('each claim once', `${name} twice`)
    seen.add(key)
  }
  if (['REPRODUCIBLE', 'NOT_REPRODUCIBLE'].every(name => claims.some(claim => claim.attribute === name)))
    throw refused('one result of the second build', 'both')
}

function compact(fields: Readonly<Record<string, Json | undefined>>): JsonObject {
  const present = Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))
  return Object.fromEntries(present)
}

function refused(expected: string, found: string): Error {
  return fail('statements/scai-malformed', 'The SCAI statement is malformed', {
    expected,
    found: printable(found, 200) || 'nothing',
  })
}
