import type { AllowedRepository, AllowedUrl } from '../build/allowed.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { findingOf } from '../core/verdict.ts'
import type { Pull } from '../materials/dockerfile/pull.ts'
import { materialRule } from '../policy/material-policy.ts'
import type { Policy } from '../policy/policy.ts'
import { placed } from './materials-images-findings.ts'
import type { FetchedMaterial, JudgedMaterial } from './materials-outcome.ts'

/** What ADD fetches, measured against what the manifest declares. */
export interface JudgedAdds {
  readonly urls: readonly AllowedUrl[]
  readonly repositories: readonly AllowedRepository[]
  /** Of the manifest, with the lines of the Dockerfile that use them; then what the Dockerfile pins itself, or nobody declares. */
  readonly judged: readonly JudgedMaterial[]
}

interface Add {
  readonly source: string
  readonly git: boolean
  readonly checksum?: string
  readonly places: readonly string[]
}

/**
 * Every URL and repository that the Dockerfile adds is an item of the manifest, or carries its own checksum; anything else
 * is `materials/undeclared`. What has no source yet is refused by the judgement of images. Pure; nothing is fetched here.
 * @param path of the Dockerfile, for places.
 */
export function judgeAdds(
  pulls: readonly Pull[],
  fetched: readonly FetchedMaterial[],
  policy: Policy,
  path: string,
): JudgedAdds {
  const wanted = pulls.filter(pull => isAdd(pull) && pull.needed && pull.later === undefined)
  const adds = addsOf(wanted, path)
  const items = fetched.filter(({ item }) => item.use.kind === 'dockerfile-add')
  const used = adds.map(add => ({ add, item: items.find(item => names(item, add)) }))
  const declared = fetched.map(({ item, judged }) => {
    const places = used.flatMap(({ add, item: of }) => (of?.item === item ? add.places : []))
    return { ...judged, places: [...judged.places, ...places] }
  })
  const own = used.flatMap(({ add, item }) => (item === undefined ? [judgeAlone(add, policy)] : []))
  const allowed = [...items.map(item => ({ item, source: undefined })), ...usedSources(used)]
  return {
    urls: unique([...allowed.flatMap(allowedUrl), ...used.flatMap(({ add, item }) => pinnedUrl(add, item, own))]),
    repositories: unique(allowed.flatMap(allowedRepository)),
    judged: [...declared, ...own],
  }
}

function isAdd({ how }: Pull): boolean {
  return how === 'add-url' || how === 'add-git'
}

/** Two lines that add one thing are one material. */
function addsOf(pulls: readonly Pull[], path: string): readonly Add[] {
  const adds = new Map<string, Add>()
  for (const { how, line, source, checksum } of pulls) {
    if (source === undefined) continue
    const key = `${how} ${source} ${checksum ?? ''}`
    const places = [...new Set([...(adds.get(key)?.places ?? []), `${path}:${line}`])]
    adds.set(key, { source, git: how === 'add-git', places, ...(checksum === undefined ? {} : { checksum }) })
  }
  return [...adds.values()]
}

function names({ item: { uri } }: FetchedMaterial, { source, git }: Add): boolean {
  if (uri.kind === 'url') return !git && urlOf(source) === uri.canonical
  if (uri.kind !== 'git' || !git) return false
  const { remote, ref } = remoteOf(source)
  return bare(remote) === bare(uri.remote) && ref === uri.ref
}

function usedSources(used: readonly { readonly add: Add; readonly item: FetchedMaterial | undefined }[]) {
  return used.flatMap(({ add, item }) => (item === undefined ? [] : [{ item, source: add.source }]))
}

interface Allowed {
  readonly item: FetchedMaterial
  /** As the Dockerfile says it; absent: as the manifest does. */
  readonly source: string | undefined
}

function allowedUrl({ item: { item, judged }, source }: Allowed): readonly AllowedUrl[] {
  const { sha256 } = judged.digest
  if (judged.verdict !== 'passed' || item.uri.kind !== 'url' || sha256 === undefined) return []
  return [{ url: source ?? item.uri.canonical, sha256 }]
}

function allowedRepository({ item: { item, judged }, source }: Allowed): readonly AllowedRepository[] {
  const { gitCommit } = judged.digest
  if (judged.verdict !== 'passed' || item.uri.kind !== 'git' || gitCommit === undefined) return []
  const { remote, ref } = source === undefined ? item.uri : remoteOf(source)
  return [{ remote, ref, commit: gitCommit }]
}

/** `ADD --checksum` in a reviewed Dockerfile is a declared digest. */
function pinnedUrl(add: Add, item: FetchedMaterial | undefined, own: readonly JudgedMaterial[]): readonly AllowedUrl[] {
  const sha256 = checksumOf(add)
  if (item !== undefined || sha256 === undefined) return []
  const passed = own.some(({ uri, digest, verdict }) => {
    return verdict === 'passed' && uri === uriOf(add) && digest.sha256 === sha256
  })
  return passed ? [{ url: add.source, sha256 }] : []
}

/** No item of the manifest names it. */
function judgeAlone(add: Add, policy: Policy): JudgedMaterial {
  const { source, git, places } = add
  const uri = uriOf(add)
  const common = { name: printable(source, 300), kind: git ? 'git' : 'url', uri, places } as const
  try {
    const rule = materialRule(policy, uri)
    const sha256 = checksumOf(add)
    if (git || sha256 === undefined) throw undeclared(add)
    if (rule !== undefined && rule.keys.length > 0) throw unsigned(add, rule.keys)
    return { ...common, digest: { sha256 }, verdict: 'passed', findings: [], proof: { kind: 'digest' } }
  } catch (error) {
    const known = asWaybillError(error)
    const verdict = known.kind === 'unknown' ? 'unknown' : 'rejected'
    return { ...common, digest: {}, verdict, findings: placed([findingOf(known, source)], common.name, places) }
  }
}

function undeclared({ source, git }: Add): Error {
  return fail('materials/undeclared', 'ADD fetches it, and no materials manifest declares it', {
    expected: 'an item of .github/waybill.materials.yml',
    found: source,
    remedy: `Add it to .github/waybill.materials.yml, in a reviewed commit:\n${itemYaml(source, git)}`,
  })
}

function unsigned({ source }: Add, keys: readonly string[]): Error {
  return fail('materials/undeclared', 'A checksum alone does not allow it', {
    expected: `a signature by one of: ${keys.join(', ')}`,
    found: 'ADD --checksum',
    remedy: `Declare it with its signature in .github/waybill.materials.yml:\n${itemYaml(source, false)}`,
  })
}

/** Quoted as JSON, which YAML reads too: the source was chosen by whoever wrote the Dockerfile. */
function itemYaml(source: string, git: boolean): string {
  const { remote, ref } = remoteOf(source)
  const uri = JSON.stringify(printable(git ? `git+${remote}@${ref || 'REF'}` : source, 500))
  const digest = git ? '{gitCommit: COMMIT}' : '{sha256: HEX}'
  return `materials:\n  - {name: NAME, uri: ${uri}, digest: ${digest}, use: {dockerfile-add: true}}`
}

function checksumOf({ checksum = '' }: Add): string | undefined {
  return /^sha256:[0-9a-f]{64}$/.test(checksum) ? checksum.slice('sha256:'.length) : undefined
}

function uriOf({ source, git }: Add): string {
  if (!git) return urlOf(source) ?? source
  const { remote, ref } = remoteOf(source)
  return `git+${remote}@${ref}`
}

/** With a fragment it is another URL to whoever compares, and the same to whoever fetches. */
function urlOf(source: string): string | undefined {
  return URL.canParse(source) && !source.includes('#') ? new URL(source).href : undefined
}

/** `https://host/owner/name.git#ref`, and a folder behind a colon. */
function remoteOf(source: string): { readonly remote: string; readonly ref: string } {
  const at = source.indexOf('#')
  const remote = at === -1 ? source : source.slice(0, at)
  const ref = at === -1 ? '' : (source.slice(at + 1).split(':')[0] ?? '')
  return { remote: URL.canParse(remote) ? new URL(remote).href : remote, ref }
}

/** A repository with and without the suffix that only ADD needs; the commit decides which bytes it is. */
function bare(remote: string): string {
  return remote.replace(/(?:\.git)?\/?$/, '')
}

function unique<T>(values: readonly T[]): readonly T[] {
  return [...new Map(values.map(value => [JSON.stringify(value), value])).values()]
}
