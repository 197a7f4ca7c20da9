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
import { type History, openHistory, resolveTag, type ServedRef } from '../source/git.ts'
import { isRefusedTag, parseTag } from '../source/tag.ts'
import { checkSignature } from '../source/verify.ts'
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
export async function fetchRepository(run: FetchRun, item: MaterialItem, uri: GitUri): Promise<FetchedMaterial> {
  const rule = run.rule(uri.canonical)
  requireListed(rule, item)
  const options = await optionsOf(run, uri, rule?.private ?? false)
  try {
    return await fetchFrom(run, item, uri, options)
  } finally {
    await remove(options.folder)
  }
}

async function fetchFrom(run: FetchRun, item: MaterialItem, uri: GitUri, options: Options): Promise<FetchedMaterial> {
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
    const proof = await proofOf(run, item.verify, { history, commit, served })
    const facts = { digest: { gitCommit: served.commit }, from: uri.remote }
    // BuildKit fetches these itself, held to the same commit.
    if (item.use.kind === 'dockerfile-add') return passedMaterial(run, item, facts, proof)
    const tree = await treeOf(run, item, history, commit)
    return passedMaterial(run, item, { ...facts, ...tree }, proof)
  } finally {
    await history.close()
  }
}

type Options = Omit<Parameters<typeof openHistory>[0], 'head' | 'also'>

/** Never with a token: it is somebody else's server, or somebody else's part of ours (13-adversary 17). */
async function optionsOf(run: FetchRun, { remote }: GitUri, inside: boolean): Promise<Options> {
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

async function treeOf(run: FetchRun, item: MaterialItem, history: History, commit: ParsedCommit) {
  await history.fetchTree(commit.id)
  const maxBytes = item.size ?? LIMITS.materialBytes
  const { folder, bytes } = await exportTree(history, commit, run.place(item), {
    maxBytes,
    maxFiles: LIMITS.archiveEntries,
  })
  return { path: folder, size: bytes }
}

function notSigned({ name }: NamedKey, found: string): Error {
  return fail('materials/signature-wrong', 'The repository carries no signature at this commit', {
    expected: `a tag or commit signed by ${name}`,
    found,
  })
}
