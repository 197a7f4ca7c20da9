import { isCommitId } from '../core/digest.ts'
import { isObject, type Json, type JsonObject } from '../core/json.ts'
import type { Finding } from '../core/verdict.ts'
import type { Dependency } from '../statements/read-provenance.ts'
import type { ScaiClaim, ScaiResource } from '../statements/scai.ts'
import type { ClaimCase } from './claim-link.ts'
import { about } from './source-question.ts'

/** Findings about single materials that are shown; a build may have hundreds. */
const MAX_MATERIALS = 10

/** A material, and all that is claimed about it. */
interface Material {
  readonly target: ScaiResource
  readonly claims: readonly ScaiClaim[]
}

/**
 * `materials-verified`, `materials-pinned`: every material that the claims or the provenance name, and a claim that these are
 * all. Without that, leaving one out would make the rest look complete.
 */
export function judgeMaterials(the: ClaimCase): readonly Finding[] {
  const materials = materialsIn(the.claims)
  const verified = the.requirement === 'materials-verified'
  const weak = materials.flatMap(material => judgeMaterial(the, material, verified))
  const missing = unclaimed(the, materials)
  return [...notEnforced(the), ...open(the), ...limited(missing), ...limited(weak)]
}

/** `closed-world`: nothing undeclared could enter, by three conditions (13-adversary 19). buildah cannot give them (18). */
export function judgeClosedWorld(the: ClaimCase): readonly Finding[] {
  const say = about(the)
  const claim = the.claims.find(item => item.attribute === 'BUILD_SOURCES_CLOSED_WORLD')
  const message = 'The build was not closed off'
  if (claim === undefined)
    return [...notEnforced(the), say('verify/not-closed', message, 'BUILD_SOURCES_CLOSED_WORLD', undefined)]
  const { builder, cache, network } = claim.conditions
  const closed = builder === 'fresh' && cache === 'none' && network === 'none'
  const found = `builder ${builder}, cache ${cache}, network ${network}`
  return [
    ...notEnforced(the),
    ...(closed ? [] : [say('verify/not-closed', message, CLOSED, found)]),
    ...contradictions(the).map(text => say('verify/not-closed', 'The provenance contradicts the claims', CLOSED, text)),
  ]
}

const CLOSED = 'builder fresh, cache none, network none'

/** What the provenance itself records about the build, as far as it does. */
function contradictions({ build, provenance }: ClaimCase): readonly string[] {
  const { network, ...given } = inputsOf(provenance.statement.predicate)
  return [
    ...(build.waybill?.builder === 'buildah' ? ['builder buildah'] : []),
    ...(network === undefined || network === 'none' ? [] : [`network ${String(network)}`]),
    // With a secret or an agent RUN steps fetch what nobody else can see, whatever was claimed of the build.
    ...Object.entries(OPENINGS).flatMap(([name, what]) => (isNothing(given[name]) ? [] : [what])),
  ]
}

const OPENINGS = { cacheFrom: 'a cache', secrets: 'a secret', ssh: 'an ssh agent' } as const

function isNothing(value: Json | undefined): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0)
}

/** `internalParameters.waybill.inputs`, as the signer wrote it. */
function inputsOf({ buildDefinition }: JsonObject): JsonObject {
  const internal = isObject(buildDefinition) ? buildDefinition.internalParameters : undefined
  const waybill = isObject(internal) ? internal.waybill : undefined
  const inputs = isObject(waybill) ? waybill.inputs : undefined
  return isObject(inputs) ? inputs : {}
}

/** 13-adversary 41: an audit earns no claim, and Waybill's provenance says which mode it was. */
function notEnforced({ build, ...the }: ClaimCase): readonly Finding[] {
  if (build.waybill === undefined) return []
  const { materials } = build.waybill
  if (materials?.mode === 'enforce' && materials.verdict === 'passed') return []
  const found = materials === undefined ? undefined : `mode ${materials.mode}, verdict ${materials.verdict}`
  const message = 'The build did not insist on verified materials'
  return [about(the)('verify/materials-not-enforced', message, 'mode enforce, verdict passed', found)]
}

function open(the: ClaimCase): readonly Finding[] {
  const all = ['BASE_IMAGES_DECLARED', 'BUILD_SOURCES_CLOSED_WORLD']
  if (the.claims.some(({ attribute }) => all.includes(attribute))) return []
  const message = 'Nobody claims that the materials named are all'
  return [about(the)('verify/materials-open', message, all.join(' or '), undefined)]
}

/** Whatever is claimed about a target makes it a material, also in words that this version does not know. */
function materialsIn(claims: readonly ScaiClaim[]): readonly Material[] {
  const materials = new Map<string, { target: ScaiResource; claims: ScaiClaim[] }>()
  for (const claim of claims) {
    const target = 'target' in claim ? claim.target : undefined
    if (target === undefined) continue
    const key = JSON.stringify([target.uri, Object.entries(target.digest).sort()])
    const known = materials.get(key)
    if (known === undefined) materials.set(key, { target, claims: [claim] })
    else known.claims.push(claim)
  }
  return [...materials.values()]
}

function judgeMaterial(the: ClaimCase, { target, claims }: Material, verified: boolean): readonly Finding[] {
  const say = about(the)
  const name = materialText(target)
  const signatures = claims.filter(claim => 'keys' in claim)
  // The commit that is built cannot vouch for its own materials: a key that it declares is its author's word.
  if (signatures.some(({ keys }) => keys === 'policy')) return []
  const pinned = claims.some(
    ({ attribute }) => attribute === 'BASE_IMAGE_DIGEST_PINNED' || attribute === 'MATERIAL_DIGEST_VERIFIED',
  )
  const declared = signatures.length > 0
  const found = declared ? 'a key that the built commit declared' : pinned ? 'a digest' : otherNames(claims)
  if (!verified && pinned) return []
  if (!pinned && !declared)
    return [
      say('verify/material-unproven', `Nothing is proved of the material ${name}`, 'a digest or signature', found),
    ]
  const expected = verified ? 'a signature by a key of the policy' : 'a digest that was compared'
  return [say('verify/material-unsigned', `Nobody the policy names has signed the material ${name}`, expected, found)]
}

function otherNames(claims: readonly ScaiClaim[]): string {
  return claims.map(claim => (claim.attribute === 'other' ? claim.name : claim.attribute)).join(', ')
}

/** 4-materials § 4: everything the provenance says went in must be among what was checked; the built commit went in by itself. */
function unclaimed(the: ClaimCase, materials: readonly Material[]): readonly Finding[] {
  const { signer } = the.provenance
  const own = signer.kind === 'certificate' ? signer.ci.sourceRepositoryDigest : undefined
  const [first, ...others] = the.build.resolvedDependencies
  // Only the commit goes in by itself; where a signer's certificate names none, nobody has looked what stands in its place.
  const dependencies = first === undefined || isCommitId(first.digest.gitCommit) ? others : [first, ...others]
  const known = new Map<string, ScaiResource[]>()
  for (const { target } of materials)
    for (const [algorithm, hex] of Object.entries(target.digest)) {
      const key = `${algorithm} ${hex}`
      known.set(key, [...(known.get(key) ?? []), target])
    }
  const wholes = [first, ...materials.map(({ target }) => target)]
  return dependencies
    .filter(dependency => own === undefined || dependency.digest.gitCommit !== own)
    .filter(dependency => !wholes.some(whole => whole !== undefined && isPart(dependency, whole)))
    .filter(dependency => !isKnown(dependency, known))
    .map(dependency => {
      const name = materialText(dependency)
      const message = `The provenance names the material ${name}, of which nothing is claimed`
      return about(the)('verify/material-unproven', message, 'a claim about it by its digest', undefined)
    })
}

/**
 * `git+<repository>@<commit>#<path>` of the very repository and commit that the other names: content that a commit pins is as good as
 * the commit, and stands by it. The same commit id under another repository's name is another thing, which nobody looked at.
 */
function isPart({ uri = '', digest }: Dependency, whole: Dependency | ScaiResource): boolean {
  const [, repository, commit] = /^(git\+https?:\/\/[^#@]+)@([0-9a-f]{40})#./.exec(uri) ?? []
  if (repository === undefined || commit !== whole.digest.gitCommit || digest.sha256 === undefined) return false
  return bare(repository) === bare((whole.uri ?? '').replace(/[@#].*$/s, ''))
}

/** Servers take a repository with and without the suffix as the same. */
function bare(repository: string): string {
  return repository.replace(/(?:\.git)?\/?$/, '')
}

/** Equal in every algorithm that both name, and in one at least. */
function isKnown({ digest }: Dependency, known: ReadonlyMap<string, readonly ScaiResource[]>): boolean {
  const entries = Object.entries(digest)
  const same = entries.flatMap(([algorithm, hex]) => known.get(`${algorithm} ${hex}`) ?? [])
  return same.some(target =>
    entries.every(([algorithm, hex]) => target.digest[algorithm] === undefined || target.digest[algorithm] === hex),
  )
}

function materialText({ name, uri, digest }: Dependency | ScaiResource): string {
  const [[algorithm, hex] = ['no digest', '']] = Object.entries(digest)
  return `${uri ?? name ?? 'without a name'} (${algorithm}${hex === '' ? '' : `:${hex}`})`
}

function limited([...findings]: readonly Finding[]): readonly Finding[] {
  return findings.slice(0, MAX_MATERIALS)
}
