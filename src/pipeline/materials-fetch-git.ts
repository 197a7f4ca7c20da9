import { type CommitId, isCommitId, parseCommitId, sha256 } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { isMalformed } from '../core/facts.ts'
import { LIMITS } from '../core/limits.ts'
import { remove } from '../io/files.ts'
import { realClock } from '../io/retry.ts'
import type { MaterialItem, MaterialUri, Verify } from '../materials/manifest/item.ts'
import type { ParsedCommit } from '../source/commit.ts'
import { parseCommit } from '../source/commit.ts'
import { exportTree } from '../source/export.ts'
import type { ExportedSubmodule } from '../source/export-graft.ts'
import { type History, openHistory, resolveTag, type ServedRef } from '../source/git.ts'
import { isRefusedTag, parseTag } from '../source/tag.ts'
import { checkSignature } from '../source/verify.ts'
import { LfsObjects, type LfsPlace, type LfsPorts } from './lfs-objects.ts'
import { rootOf } from './materials-fetch-bundle.ts'
import { keyOf, type NamedKey, requireListed } from './materials-fetch-keys.ts'
import { type FetchRun, passedMaterial } from './materials-fetch-run.ts'
import { keyringOf, requireSigned } from './materials-fetch-signed.ts'
import type { FetchedMaterial, MaterialProof } from './materials-outcome.ts'

type GitUri = Extract<MaterialUri, { kind: 'git' }>

/** A repository at one ref, as the server gives it now. */
interface Served {
  readonly commit: CommitId
  /** Of an annotated tag: the tag object. */
  readonly tag?: CommitId
  /** Its name, as the object itself must say it. */
  readonly tagName?: string
}

/**
 * A repository at one commit: fetched without any login into a private one, its ref compared with the commit that the
 * manifest names, tag or commit signed by the named key, and the tree written by Waybill itself, every id recomputed.
 */
export async function fetchRepository(
  run: FetchRun,
  item: MaterialItem,
  uri: GitUri,
  as?: AsSubmodule,
): Promise<FetchedMaterial> {
  const rule = run.rule(uri.canonical)
  requireListed(rule, item)
  const place = placeOf(run, uri, rule?.private ?? false, as)
  const options = await optionsOf(run, uri, place)
  try {
    return await fetchFrom(run, item, uri, { options, place, as })
  } finally {
    await remove(options.folder)
  }
}

/** A repository that is part of the judged tree: what it brings along besides its own files. */
export interface AsSubmodule {
  /** Any one of them is enough. */
  readonly verify: readonly Verify[]
  /** Submodules inside it, verified. */
  inside(history: History, commit: ParsedCommit): Promise<ReadonlyMap<string, ExportedSubmodule>>
}

/** 13-adversary 17: a submodule on the run's own server is asked for with its token, all else without any. */
function placeOf({ ports }: FetchRun, { remote }: GitUri, inside: boolean, as: AsSubmodule | undefined): LfsPlace {
  const { server } = ports
  if (as === undefined || server === undefined || new URL(server.url).origin !== new URL(remote).origin)
    return { remote, inside }
  return { remote, inside: true, ...(server.token === undefined ? {} : { token: server.token }) }
}

interface Asked {
  readonly options: Options
  readonly place: LfsPlace
  readonly as: AsSubmodule | undefined
}

async function fetchFrom(
  run: FetchRun,
  item: MaterialItem,
  uri: GitUri,
  { options, place, as }: Asked,
): Promise<FetchedMaterial> {
  const served = await servedAt(options, uri)
  const wanted = item.digest.get('gitCommit')
  if (wanted !== undefined && wanted !== served.commit)
    throw fail('materials/other-bytes', `${uri.canonical} is another commit now than the manifest names`, {
      expected: wanted,
      found: served.commit,
    })
  const history = await openHistory({ ...options, head: served.commit, tipOnly: true })
  try {
    const commit = await commitAt(history, served.commit)
    const proof = await anyProof(run, as?.verify ?? [item.verify], { history, commit, served })
    const facts = { digest: { gitCommit: served.commit }, from: uri.remote }
    // BuildKit fetches these itself, held to the same commit.
    if (item.use.kind === 'dockerfile-add') return passedMaterial(run, item, facts, proof)
    await history.fetchTree(commit.id)
    const lfs = new LfsObjects(place, lfsPorts(run))
    if (as !== undefined) {
      const submodule = await submoduleTree(run, { history, commit, lfs, uri: item.uri.canonical }, as)
      return { ...passedMaterial(run, item, { ...facts, size: submodule.bytes }, proof), submodule }
    }
    const { folder, bytes } = await exportTree(history, commit, run.place(item), { ...bounds(item), lfs })
    return passedMaterial(run, item, { ...facts, path: folder, size: bytes }, proof)
  } finally {
    await history.close()
  }
}

type Options = Omit<Parameters<typeof openHistory>[0], 'head' | 'also'>

async function optionsOf(run: FetchRun, { remote }: GitUri, { inside, token }: LfsPlace): Promise<Options> {
  const { git } = run.ports
  if (git === undefined)
    throw fail('materials/fetch-failed', `The repository ${remote} cannot be fetched: there is no git`, {
      expected: 'git 2.38 or newer in PATH',
    })
  const { timing, signal } = run.download
  return {
    git: git.program,
    env: git.env,
    folder: run.part(),
    url: remote,
    pin: await run.guard(inside)(new URL(remote)),
    deadline: new Date(realClock.now() + timing.totalMs),
    maxDiskBytes: LIMITS.materialBytes,
    signal,
    ...(token === undefined ? {} : { token }),
  }
}

/** A commit by its id; else a tag of that name before a branch, as git has it. */
async function servedAt(options: Options, { ref, canonical }: GitUri): Promise<Served> {
  if (isCommitId(ref)) return { commit: parseCommitId(ref) }
  const names = ref.startsWith('refs/') ? [ref] : [`refs/tags/${ref}`, `refs/heads/${ref}`]
  for (const name of names) {
    const found = await resolveTag(options, name)
    if (found !== undefined) return servedRef(found, name)
  }
  throw fail('materials/other-bytes', `${canonical} names no tag, branch or commit that is there`, {
    expected: names.join(' or '),
    found: 'no such ref',
  })
}

function servedRef({ id, peeled }: ServedRef, name: string): Served {
  return peeled === undefined ? { commit: id } : { commit: peeled, tag: id, tagName: name.replace(/^refs\/tags\//, '') }
}

async function commitAt(history: History, id: CommitId): Promise<ParsedCommit> {
  const commit = parseCommit(id, await history.commit(id))
  if (!isMalformed(commit)) return commit
  const { code, message, found } = commit.malformed
  throw fail(code, message, { found })
}

interface Repository {
  readonly history: History
  readonly commit: ParsedCommit
  readonly served: Served
}

/** The first that holds; of several that do not, the last is told. */
async function anyProof(
  run: FetchRun,
  [first, ...others]: readonly (Verify | undefined)[],
  repository: Repository,
): Promise<MaterialProof> {
  const attempt = proofOf(run, first, repository)
  return others.length === 0 ? attempt : attempt.catch(() => anyProof(run, others, repository))
}

/** The tag's signature, or that of the commit: either says who made exactly this commit. */
async function proofOf(run: FetchRun, verify: Verify | undefined, repository: Repository): Promise<MaterialProof> {
  if (verify === undefined) return { kind: 'digest' }
  if (verify.kind !== 'git') throw new TypeError('the parser takes nothing but git for repositories')
  const key = await keyOf(run.request, verify.key, ['openpgp', 'ssh', 'signer'])
  try {
    return await tagProof(run, key, repository)
  } catch (error) {
    const first = asWaybillError(error)
    return commitProof(run, key, repository).catch(second => {
      // Where there is a signed tag, that is what was meant.
      throw first.found === NO_TAG ? second : first
    })
  }
}

const NO_TAG = 'no tag object'

async function tagProof(run: FetchRun, key: NamedKey, { history, commit, served }: Repository): Promise<MaterialProof> {
  const { tag: id, tagName } = served
  if (id === undefined) throw notSigned(key, NO_TAG)
  const bytes = await history.tag(id)
  const tag = parseTag(bytes, id)
  if (isRefusedTag(tag)) throw fail(tag.refused.code, tag.refused.message, { found: tag.refused.found })
  // The signed tag of an old release could be served as the new one, or point at another tag.
  if (tag.name !== tagName || tag.object !== commit.id)
    throw fail('materials/signature-wrong', `The tag ${tagName} is the tag object of something else`, {
      expected: `${tagName} at ${commit.id}`,
      found: `${tag.name} at ${tag.object}`,
    })
  if (tag.signature === undefined) throw notSigned(key, NO_TAG)
  return signatureProof(run, key, tag, bytes)
}

async function commitProof(run: FetchRun, key: NamedKey, { history, commit }: Repository): Promise<MaterialProof> {
  return signatureProof(run, key, commit, await history.commit(commit.id))
}

async function signatureProof(
  run: FetchRun,
  key: NamedKey,
  signed: Pick<ParsedCommit, 'signature' | 'payload'>,
  bytes: Uint8Array,
): Promise<MaterialProof> {
  const trust = key.key.kind === 'signer' ? key.key.trust : 'public-good'
  const fact = await checkSignature(signed, await keyringOf(key, () => rootOf(run, trust)))
  const by = requireSigned(fact, key, { policy: run.request.policy, now: run.ports.now })
  return { kind: 'signature', keys: key.keys, by, evidence: sha256(bytes) }
}

interface SubmoduleTree {
  readonly history: History
  readonly commit: ParsedCommit
  readonly lfs: LfsObjects
  readonly uri: string
}

/** On disk at a place of no name; it becomes part of the tree that holds it. */
async function submoduleTree(
  run: FetchRun,
  { history, commit, lfs, uri }: SubmoduleTree,
  as: AsSubmodule,
): Promise<ExportedSubmodule> {
  const submodules = await as.inside(history, commit)
  const lines: Uint8Array[] = []
  const options = { ...bounds({}), lfs, submodules, lines }
  const { gitTree: _, digest: __, ...tree } = await exportTree(history, commit, run.part(), options)
  return { ...tree, commit: commit.id, uri, lines }
}

function bounds({ size }: Pick<MaterialItem, 'size'>) {
  return { maxBytes: size ?? LIMITS.materialBytes, maxFiles: LIMITS.archiveEntries }
}

function lfsPorts(run: FetchRun): LfsPorts {
  const { http, timing } = run.download
  const retry = { budgetMs: Math.min(timing.totalMs, LIMITS.retryBudgetMs) }
  return { http, guard: inside => run.guard(inside), part: () => run.part(), download: run.download, retry }
}

function notSigned({ name }: NamedKey, found: string): Error {
  return fail('materials/signature-wrong', 'The repository carries no signature at this commit', {
    expected: `a tag or commit signed by ${name}`,
    found,
  })
}
