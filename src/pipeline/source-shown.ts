import { isMalformed, isRefused, type SignatureFact } from '../core/facts.ts'
import type { Finding } from '../core/verdict.ts'
import { findPolicy } from '../policy/law.ts'
import type { SubjectReceipt } from '../report/receipt.ts'
import { type ParsedCommit, parseCommit } from '../source/commit.ts'
import type { History } from '../source/git.ts'
import { loadKeyring } from '../source/keyring.ts'
import { checkMany } from '../source/verify-many.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import { lawOf } from './source-law.ts'
import { suggestPolicy } from './suggest-policy.ts'

/** First parents shown when nothing is judged: enough to see who works here, few enough to read. */
const SHOWN = 20

export interface ShownCommits {
  readonly subjects: readonly SubjectReceipt[]
  readonly notices: readonly string[]
  readonly suggestedPolicy?: string
}

/** Without an anchor nothing is judged: the commits are shown with their keys, and the notice says so first. */
export async function showCommits(
  request: AttestRequest,
  ports: AttestPorts,
  history: History,
  head: ParsedCommit,
): Promise<ShownCommits> {
  const commits = await lastCommits(history, head)
  const checked = await checkMany(commits, await loadKeyring([], [], ports.sigstoreTrust))
  const facts = commits.flatMap((commit, at) => {
    const fact = checked[at]?.signature
    return fact === undefined ? [] : [{ commit, fact }]
  })
  const outside = request.source.policy !== undefined
  const hasPolicy = outside || findPolicy(await lawOf(history, head.id)) !== undefined
  const suggested = request.onDefaultBranch && !hasPolicy ? suggestPolicy(facts, request.source.ref) : undefined
  return {
    subjects: facts.map(({ commit, fact }) => shown(commit, fact)),
    notices: [noticeOf(request, hasPolicy, head)],
    ...(suggested === undefined ? {} : { suggestedPolicy: suggested }),
  }
}

function noticeOf(request: AttestRequest, hasPolicy: boolean, head: ParsedCommit): string {
  if (request.source.mode === 'off') return 'source-mode is off: nothing was judged.'
  if (!hasPolicy) return 'No policy: nothing was judged. The commits are shown with the keys that signed them.'
  if (request.source.anchor !== undefined)
    return `No rule of the policy is about ${request.source.ref}: nothing was judged.`
  const which = request.source.policy === undefined ? 'an older commit that contains the policy' : 'an older commit'
  return `No anchor: nothing was judged. Add \`since: ${head.id}\` (or ${which}) under \`with:\`.`
}

/** The head and its first parents, oldest first. */
export async function lastCommits(history: History, head: ParsedCommit): Promise<readonly ParsedCommit[]> {
  const commits = [head]
  for (let parent = head.parents[0]; parent !== undefined && commits.length < SHOWN; ) {
    const commit = parseCommit(parent, await history.commit(parent))
    if (isMalformed(commit)) break
    commits.push(commit)
    parent = commit.parents[0]
  }
  return commits.reverse()
}

function shown(commit: ParsedCommit, fact: SignatureFact): SubjectReceipt {
  const key = isRefused(fact) ? fact.claimedKey : fact.kind === 'none' ? undefined : fact.fingerprint
  return {
    name: commit.id.slice(0, 7),
    digest: commit.id,
    verdict: 'not-asked',
    findings: findingsOf(commit, fact),
    kind: isRefused(fact) ? fact.scheme : fact.kind,
    ...(key === undefined ? {} : { key }),
    title: commit.subject,
    author: commit.author.name,
  }
}

/** That a key or authority is not known says nothing while no policy names any; a signature that is wrong is worth a note. */
function findingsOf(commit: ParsedCommit, fact: SignatureFact): readonly Finding[] {
  if (!isRefused(fact) || fact.code === 'source/key-unknown' || fact.code === 'source/certificate-untrusted') return []
  const { code, message, expected, found, remedy = '' } = fact
  return [
    {
      code,
      severity: 'note',
      subject: commit.id,
      message,
      ...(expected === undefined ? {} : { expected }),
      ...(found === undefined ? {} : { found }),
      remedy,
    },
  ]
}
