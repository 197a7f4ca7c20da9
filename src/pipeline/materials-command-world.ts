import type { Digest } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import { type Finding, findingOf, type Outcome } from '../core/verdict.ts'
import { readDockerfile } from '../materials/dockerfile/instructions.ts'
import type { Pull, PullOptions } from '../materials/dockerfile/pull.ts'
import { pullsOf } from '../materials/dockerfile/pulls.ts'
import { lockFilesIn } from '../materials/lock-files.ts'
import type { MaterialItem, MaterialUri, Use, Verify } from '../materials/manifest/item.ts'
import { baseImageRule } from '../policy/base-images.ts'
import { materialRule } from '../policy/material-policy.ts'
import type { Policy } from '../policy/policy.ts'
import type { ClosedWorld, WorldEntry, WorldItem, WorldRule } from '../report/closed-world.ts'
import { contentOfCheckout } from './materials-command-content.ts'
import { nameOfPull } from './materials-command-name.ts'
import type { MaterialsFiles } from './materials-command-request.ts'
import { baseRuleText, materialRuleText } from './materials-command-rule.ts'
import { missingRules, suggestedRules } from './materials-command-suggest.ts'

/** One pull of one or more platforms. */
interface Seen {
  readonly pull: Pull
  readonly platforms: readonly string[]
}

/**
 * What a build would take in and which rule decides about it. Nobody is asked: a tag stands as the tag it is, and ONBUILD of base
 * images is not known (4-materials § 2).
 * @throws `materials/dockerfile-malformed`, `materials/too-many-references`
 */
export function closedWorld({
  dockerfile,
  builds,
  manifest,
  policy,
  contextPaths,
  content,
}: MaterialsFiles): ClosedWorld {
  const items = manifest?.items ?? []
  const law = policy?.law.policy
  const pulls = pullsOfAll(dockerfile.bytes, builds, items).map(seen => entryOf(seen, items, law))
  const worldItems = items.map(item => itemOf(item, law))
  const pointed = content === undefined ? [] : contentOfCheckout(content, items, law)
  const { found, more } = lockFilesIn(contextPaths)
  const world = { file: dockerfile.path, pulls, items: worldItems, lockFiles: found, moreLockFiles: more }
  return {
    ...world,
    ...(policy === undefined ? {} : { policy: { path: policy.path, digest: policy.law.policyDigest } }),
    ...(manifest === undefined ? {} : { manifest: manifest.path }),
    ...(pointed.length === 0 ? {} : { content: pointed }),
    outcome: law === undefined ? 'not-asked' : outcomeOf(pulls, [...worldItems, ...pointed]),
    add: law === undefined ? suggestedRules(world) : missingRules(world),
  }
}

/** The manifest's named contexts answer to names of the Dockerfile. */
function withContexts(options: PullOptions, items: readonly MaterialItem[]): PullOptions {
  const given = items.flatMap(({ uri, use }): [string, string][] =>
    use.kind === 'build-context' ? [[use.context, uri.canonical]] : [],
  )
  return { ...options, contexts: new Map([...options.contexts, ...given]) }
}

function pullsOfAll(
  bytes: Uint8Array,
  builds: readonly PullOptions[],
  items: readonly MaterialItem[],
): readonly Seen[] {
  const file = readDockerfile(bytes)
  const all = builds.flatMap(options =>
    pullsOf(file, withContexts(options, items)).map(pull => ({ pull, platform: options.targetPlatform })),
  )
  const same = Map.groupBy(all, ({ pull: { platform: _, needed: __, ...rest } }) => JSON.stringify(rest))
  return [...same.values()].flatMap(group => {
    const [first] = group
    if (first === undefined) return []
    const needed = group.some(({ pull }) => pull.needed)
    // A name that only some platforms have, or that asks for a platform by itself.
    const asked = group.flatMap(
      ({ pull, platform }) => pull.platform ?? (group.length === builds.length ? [] : platform),
    )
    return [{ pull: { ...first.pull, needed }, platforms: [...new Set(asked)] }]
  })
}

function entryOf({ pull, platforms }: Seen, items: readonly MaterialItem[], policy: Policy | undefined): WorldEntry {
  const { line, how, written, needed, later } = pull
  const common = { line, how, written, platforms, needed, later: later === true }
  try {
    const named = nameOfPull(pull)
    if (named.kind === 'open') return { ...common, findings: [openFinding(pull, named.why)] }
    const { name } = named
    if (named.kind === 'local') return { ...common, name, findings: [] }
    const digest = named.kind === 'image' ? imageDigest(named, items) : otherDigest(name, pull, items)
    const told = { ...common, name, ...(digest === undefined ? {} : { digest }), findings: [] }
    if (policy === undefined) return told
    const { needsDigest, ...judged } = ruled(policy, named.kind === 'image' ? 'image' : 'other', name)
    const open = needsDigest === true && digest === undefined && needed && later !== true
    return { ...told, ...judged, ...(open ? { findings: [unpinned(named.kind, name, pull)] } : {}) }
  } catch (error) {
    return { ...common, findings: [findingOf(asWaybillError(error), written)] }
  }
}

/** The builder's own policy has the last word on what nobody can read here; it refuses what is not allowed. */
function openFinding({ written, line }: Pull, why: string): Finding {
  return {
    code: 'materials/unresolved',
    severity: 'reject',
    subject: written,
    message: `What line ${line} pulls in cannot be told before the build: ${why}`,
    expected: 'a value in the Dockerfile, or --build-arg',
    found: written,
    remedy: 'Give the argument a default in the Dockerfile, or pass it: --build-arg NAME=VALUE',
  }
}

/** Allowed by its digest alone, or by one at least, and none is written down. */
function unpinned(kind: 'image' | 'url' | 'git', name: string, { written }: Pull): Finding {
  const common = { severity: 'reject', subject: name, found: written } as const
  if (kind === 'image')
    return {
      ...common,
      code: 'materials/not-pinned',
      message: 'Nothing says which digest was reviewed',
      expected: '@sha256:… in the Dockerfile, or an item of the materials manifest',
      remedy: 'Look the digest up and write it down: waybill materials lock',
    }
  const digest = kind === 'git' ? 'gitCommit: COMMIT' : 'sha256: HEX'
  return {
    ...common,
    code: 'materials/undeclared',
    message: 'The materials manifest does not declare what ADD fetches',
    expected: 'an item of the materials manifest',
    remedy: `Add to its materials: - {name: NAME, uri: ${JSON.stringify(name)}, digest: {${digest}}, use: {dockerfile-add: true}}`,
  }
}

interface Ruled {
  readonly rule?: WorldRule
  readonly findings?: readonly Finding[]
  readonly needsDigest?: boolean
}

function ruled(policy: Policy, kind: 'image' | 'other', name: string): Ruled {
  try {
    if (kind === 'image') {
      const rule = baseImageRule(policy, name)
      const at = `base-images[${policy.baseImages?.indexOf(rule) ?? 0}]`
      return { rule: { at, text: baseRuleText(rule) }, needsDigest: rule.kind === 'digest-lock' }
    }
    const rule = materialRule(policy, name)
    const needsDigest = true
    if (rule === undefined) return { rule: { at: 'no materials block:', text: 'a digest is enough' }, needsDigest }
    return {
      needsDigest,
      rule: { at: `materials[${policy.materials?.indexOf(rule) ?? 0}]`, text: materialRuleText(rule) },
    }
  } catch (error) {
    return { findings: [findingOf(asWaybillError(error), name)] }
  }
}

function imageDigest(
  { name, digest }: { readonly name: string; readonly digest?: Digest },
  items: readonly MaterialItem[],
): WorldEntry['digest'] {
  if (digest !== undefined) return { value: digest, from: 'Dockerfile' }
  const item = items.find(({ uri }) => uri.kind === 'image' && uri.reference === name)
  const hex = item?.digest.get('sha256')
  return hex === undefined ? undefined : { value: `sha256:${hex}`, from: 'manifest' }
}

function otherDigest(name: string, { checksum }: Pull, items: readonly MaterialItem[]): WorldEntry['digest'] {
  if (checksum !== undefined) return { value: checksum, from: 'Dockerfile' }
  const item = items.find(({ uri }) => uri.canonical === name)
  const [algorithm, hex] = [...(item?.digest ?? [])][0] ?? []
  if (hex === undefined) return undefined
  return { value: algorithm === 'gitCommit' ? hex : `${algorithm}:${hex}`, from: 'manifest' }
}

function itemOf(item: MaterialItem, policy: Policy | undefined): WorldItem {
  const { name, at, uri, use, digest, verify } = item
  return {
    name,
    at,
    uri: uri.canonical,
    use: useText(use),
    digest: Object.fromEntries(digest),
    ...(verify === undefined ? {} : { verify: verifyText(verify) }),
    findings: [],
    ...(policy === undefined ? {} : ruleAlone(policy, uri)),
  }
}

function ruleAlone(policy: Policy, uri: MaterialUri): Pick<Ruled, 'rule' | 'findings'> {
  const { needsDigest: _, ...rest } = ruled(policy, uri.kind === 'image' ? 'image' : 'other', ruledName(uri))
  return rest
}

function ruledName(uri: MaterialUri): string {
  return uri.kind === 'image' ? uri.reference : uri.canonical
}

function useText(use: Use): string {
  if (use.kind === 'path') return `path ${use.path}${use.unpack === undefined ? '' : `, unpacked (${use.unpack})`}`
  return use.kind === 'build-context' ? `build-context ${use.context}` : use.kind
}

function verifyText(verify: Verify): string {
  if (verify.kind === 'github') return `github, ${verify.signer}`
  if (verify.kind === 'sigstore') return `sigstore, ${verify.identity}`
  if (verify.kind === 'checksums') return `checksums in ${verify.file}, by ${verifyText(verify.verify)}`
  const { key } = verify
  return `${verify.kind}, ${key.from === 'policy' ? `key ${key.name} of the policy` : `key ${key.file} of the commit: declared`}`
}

/** What is needed and has no rule, or is denied, would be refused; what cannot be told is neither. */
function outcomeOf(pulls: readonly WorldEntry[], items: readonly Pick<WorldItem, 'findings'>[]): Outcome {
  const needed = pulls.filter(({ needed, later }) => needed && !later)
  const findings = [...needed, ...items].flatMap(entry => entry.findings)
  if (findings.some(({ code }) => code !== 'materials/unresolved')) return 'rejected'
  return findings.length === 0 ? 'passed' : 'unknown'
}
