import { isMalformed, isRefused, type JudgedCommit } from '../core/facts.ts'
import { printable } from '../core/text.ts'
import type { Finding } from '../core/verdict.ts'
import { commitText, findingFor } from './bench.ts'
import type { PlatformCommit, StepEvidence } from './evidence.ts'
import type { CommitJudgement } from './judgement.ts'

/** Whether a signature is what it says it is; undefined: whoever was asked could not tell. */
type Opinion = 'good' | 'bad' | undefined

/** States in which GitHub could not check, or knows too little about people (GraphQL, `GitSignatureState`). */
const NO_OPINION: ReadonlySet<string> = new Set([
  'UNKNOWN_KEY',
  'UNKNOWN_SIG_TYPE',
  'NO_USER',
  'UNVERIFIED_EMAIL',
  'GPGVERIFY_ERROR',
  'GPGVERIFY_UNAVAILABLE',
])

/** Codes of signatures that were not checked for want of a key. */
const NO_KEY: ReadonlySet<string> = new Set(['source/key-unknown', 'source/certificate-untrusted'])

/**
 * The judgement with a note where the platform thinks otherwise of the commit's signature than we do (3-source § 6). It stands
 * last and decides nothing: the platform keeps calling a key good that was compromised since, and matches the committer only.
 */
export function withSecondOpinion(
  judgement: CommitJudgement,
  commit: JudgedCommit,
  evidence: StepEvidence | undefined,
): CommitJudgement {
  const verification = evidence?.platform?.kind === 'known' ? evidence.platform.value.verification : undefined
  if (verification === undefined) return judgement
  const [ours, theirs] = [ourOpinion(commit), theirOpinion(verification)]
  if (ours === undefined || theirs === undefined || ours === theirs) return judgement
  return { ...judgement, findings: [...judgement.findings, disagreement(judgement, commit, verification)] }
}

function ourOpinion(commit: JudgedCommit): Opinion {
  if (isMalformed(commit) || commit.signature.kind === 'none') return 'bad'
  const { signature } = commit
  // Made with a certificate of minutes, which GitHub never checks.
  if (signature.kind === 'gitsign') return undefined
  if (!isRefused(signature)) return 'good'
  return signature.kind === 'unjudged' || NO_KEY.has(signature.code) ? undefined : 'bad'
}

function theirOpinion({ verified, state }: NonNullable<PlatformCommit['verification']>): Opinion {
  if (verified) return 'good'
  return NO_OPINION.has(state) ? undefined : 'bad'
}

function disagreement(
  { id, subject, kind }: CommitJudgement,
  commit: JudgedCommit,
  { state, signer }: NonNullable<PlatformCommit['verification']>,
): Finding {
  const theirs = `${printable(state, 60)}${signer === undefined ? '' : ` (${printable(signer, 60)})`}`
  const ours = ourWords(commit, kind)
  const message = `${commitText(id, subject)}: the platform calls its signature ${theirs}; here it is ${ours}`
  const finding = findingFor(id, 'source/platform-disagrees', message, { expected: ours, found: theirs })
  return { ...finding, severity: 'note' }
}

function ourWords(commit: JudgedCommit, kind: CommitJudgement['kind']): string {
  if (isMalformed(commit)) return `refused (${commit.malformed.code})`
  const { signature } = commit
  if (signature.kind === 'none') return 'none'
  return isRefused(signature) ? `refused (${signature.code})` : `a valid ${kind} signature`
}
