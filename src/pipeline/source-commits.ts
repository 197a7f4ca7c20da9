import type { CommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { isMalformed } from '../core/facts.ts'
import { together } from '../core/together.ts'
import { isTagRef } from '../policy/tag.ts'
import { type ParsedCommit, parseCommit } from '../source/commit.ts'
import type { History } from '../source/git.ts'
import { firstParentsDownTo } from '../source/range.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import type { RunRecord } from './run.ts'

/** The commits as fetched, before anything is judged. */
export interface Fetched {
  readonly history: History
  /** Of the run's ref; for a proposal the tip of its base. */
  readonly tip: CommitId
}

/**
 * Begins to fetch the commits. It writes nothing but private files, so it need not wait for anything; what fails is told
 * by the stage that needs it.
 */
export function beginSource(request: AttestRequest, ports: AttestPorts, record: RunRecord): Promise<Fetched> {
  const fetched = fetchCommits(request, ports, record)
  fetched.catch(() => {})
  record.onEnd(async () => {
    ports.git.stop()
    await fetched
  })
  return fetched
}

async function fetchCommits(request: AttestRequest, ports: AttestPorts, record: RunRecord): Promise<Fetched> {
  const { head, anchor } = request.source
  // Which commits are needed besides the head is asked while the head and its ancestors come.
  const [tip, history] = await together([
    tipOf(request, ports),
    ports.git.openHistory(head, []).then(opened => {
      record.onEnd(() => opened.close())
      return opened
    }),
  ] as const)
  await history.ensure([tip, ...(anchor === undefined ? [] : [anchor])])
  return { history, tip }
}

async function tipOf({ source }: AttestRequest, ports: AttestPorts): Promise<CommitId> {
  const { ref, purpose, base } = source
  const against = purpose === 'sign' ? ref : (base?.ref ?? ref)
  const tip = base?.tip ?? (await ports.git.resolveRef(against))
  if (tip !== undefined) return tip
  throw fail('source/ref-gone', `${against} does not exist any more`, { expected: against })
}

export interface Position extends Fetched {
  readonly commit: ParsedCommit
  readonly line: readonly CommitId[] | undefined
}

/** Finds the head on its ref as the server serves it now. */
export async function locate(request: AttestRequest, { history, tip }: Fetched, record: RunRecord): Promise<Position> {
  const { head, ref, purpose } = request.source
  const commit = parseCommit(head, await history.commit(head))
  record.source = { repository: `${request.serverUrl}/${request.repository}`, ref, commit: head }
  if (isMalformed(commit))
    throw fail(commit.malformed.code, `commit ${head.slice(0, 7)}: ${commit.malformed.message}`, {
      found: commit.malformed.found,
    })
  const line = purpose === 'sign' ? await lineOf(ref, tip, head, history) : undefined
  return { history, commit, tip, line }
}

/** A branch leads from its tip down to older commits; a tag names one, and one that was moved says nothing about the old. */
async function lineOf(ref: string, tip: CommitId, head: CommitId, history: History): Promise<Position['line']> {
  if (isTagRef(ref)) return tip === head ? [head] : undefined
  return firstParentsDownTo(tip, head, id => history.commit(id))
}
