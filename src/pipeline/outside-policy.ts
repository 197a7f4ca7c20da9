import type { CommitId } from '../core/digest.ts'
import { asWaybillError, fail, WaybillError } from '../core/error.ts'
import { isMalformed } from '../core/facts.ts'
import { LIMITS } from '../core/limits.ts'
import { type Law, lawFromFile } from '../policy/law.ts'
import { parsePolicy } from '../policy/parse.ts'
import { type OutsidePolicy, outsidePolicyUri, pinnedCommit } from '../policy/policy-source.ts'
import type { Receipt } from '../report/receipt.ts'
import { parseCommit } from '../source/commit.ts'
import type { History } from '../source/git.ts'
import { fileAt } from './commit-files.ts'

/** Another repository of the same server, read with the same token. */
export interface PolicyRepository {
  /** Where a full ref points now; undefined when the server says there is none. */
  resolveRef(ref: string): Promise<CommitId | undefined>
  openHistory(head: CommitId): Promise<History>
}

/**
 * Reads a policy of another repository as the constant law (12-policy § 1): the commit its ref names now, the file, and the
 * files below its folder that it names. Every object's id is recomputed, as for the history that is judged.
 * @returns the law with `origin`: how it is named, and the commit it was read from.
 * @throws `policy/unusable`, `policy/unsupported` as configuration errors, `source/ref-gone`, and what fetching throws; each
 * message says that it is about the policy, not about the repository that is judged.
 */
export async function outsideLaw(source: OutsidePolicy, serverUrl: string, repository: PolicyRepository): Promise<Law> {
  const uri = outsidePolicyUri(serverUrl, source)
  try {
    const commit = pinnedCommit(source) ?? (await repository.resolveRef(source.ref))
    if (commit === undefined)
      throw fail('source/ref-gone', `${source.ref} does not exist`, { kind: 'configuration', expected: source.ref })
    const history = await repository.openHistory(commit)
    try {
      return { ...(await lawAt(history, commit, source.path)), origin: { uri, commit } }
    } finally {
      await history.close()
    }
  } catch (error) {
    throw about(uri, asWaybillError(error))
  }
}

/** How a result names the policy that judged: one from outside by its own commit, else the commit that brought the law. */
export function policyReceipt(
  { law, lawAt: at, anchor }: { readonly law: Law; readonly lawAt: CommitId; readonly anchor: CommitId },
  { serverUrl, repository }: { readonly serverUrl: string; readonly repository: string },
): NonNullable<Receipt['policy']> {
  const { origin, policyDigest: digest, policyPath } = law
  if (origin !== undefined) return { uri: origin.uri, ref: origin.commit, digest, anchor }
  return { uri: `git+${serverUrl}/${repository}#${policyPath}`, ref: at, digest, anchor }
}

async function lawAt(history: History, id: CommitId, path: string): Promise<Law> {
  const commit = parseCommit(id, await history.commit(id))
  if (isMalformed(commit))
    throw fail(commit.malformed.code, commit.malformed.message, { found: commit.malformed.found })
  await history.fetchTree(id)
  const bytes = await fileAt(history, commit.tree, path, LIMITS.policyFileBytes)
  if (bytes === undefined)
    throw fail('policy/unusable', `${path} is missing or not a regular file`, {
      kind: 'configuration',
      expected: `a policy file at ${path}`,
      remedy: 'Give the path from the root of that repository: policy: OWNER/NAME@REF:PATH',
    })
  const known = await namedFiles(bytes, path, file => fileAt(history, commit.tree, file, LIMITS.policyFileBytes))
  return lawFromFile(bytes, path, file => known.get(file))
}

/** The files a policy names. Snapshots have to be read before it can be parsed, the others afterwards. */
async function namedFiles(
  bytes: Uint8Array,
  path: string,
  read: (path: string) => Promise<Uint8Array | undefined>,
): Promise<ReadonlyMap<string, Uint8Array | undefined>> {
  const known = new Map<string, Uint8Array | undefined>()
  for (;;) {
    let wanted: string | undefined
    try {
      const { files } = parsePolicy(bytes, path, file => {
        if (!known.has(file)) wanted = file
        return known.get(file)
      })
      for (const file of files) if (!known.has(file.path)) known.set(file.path, await read(file.path))
      return known
    } catch (error) {
      // What is wrong with the policy is told by whoever parses it for good.
      if (wanted === undefined || !(error instanceof WaybillError)) return known
      known.set(wanted, await read(wanted))
    }
  }
}

function about(uri: string, error: WaybillError): Error {
  const { code, kind, message, expected, found, remedy } = error
  return fail(code, `The policy ${uri} cannot be used: ${message}`, {
    kind: kind === 'rejected' ? 'configuration' : kind,
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
    remedy,
    cause: error,
  })
}
