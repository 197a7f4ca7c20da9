import type { ErrorCode } from '../core/error.ts'
import type { Finding } from '../core/verdict.ts'
import type { Verified } from '../core/verified.ts'
import { isSourceSummary, readSourceSummary, type SourceSummary } from '../statements/source-vsa.ts'
import type { SignedStatement } from '../statements/statement.ts'
import { SOURCE_VERIFIER_ID } from '../statements/uris.ts'
import { revokedFinding } from './gate-findings.ts'
import { isPullRef } from './match.ts'
import { matchSigner } from './signer.ts'
import { judgeSourceDetail } from './source-detail-link.ts'
import { about, readable, type SourceLink, type SourceQuestion } from './source-question.ts'

export type { BuiltFrom, SourceLink, SourceQuestion } from './source-question.ts'

type Signed = Verified<SignedStatement>

/**
 * The link from an image's commit to its verification (13-adversary 27): a summary that counts is signed by whom the rule
 * names, about exactly this commit, PASSED, for this repository, ref and policy, with the level that is asked for; and the
 * detail it names lies beside it, whole, with the anchor, keys and exceptions that the rule accepts.
 * @param signed every statement whose cryptography was verified, whatever it is about.
 */
export function judgeSourceLink(question: SourceQuestion, signed: readonly Signed[]): SourceLink {
  const candidates = signed.filter(({ statement }) => isSourceSummary(statement))
  const failed: (readonly Finding[])[] = []
  for (const summary of candidates) {
    const judged = judgeSummary(question, summary, signed)
    if ('statements' in judged) return judged
    failed.push(judged.findings)
  }
  // The one that came closest explains most.
  const [first, ...more] = failed.sort((a, b) => a.length - b.length).flat()
  if (first !== undefined) return { findings: [first, ...more] }
  const { commit } = question.built
  const message = `No source summary of commit ${commit} is attached to the image`
  return { findings: [about(question)('verify/no-source-summary', message, `a summary of ${commit}`, undefined)] }
}

function judgeSummary(question: SourceQuestion, summary: Signed, signed: readonly Signed[]): SourceLink {
  const { rule, subject, revoked } = question
  const [mismatch, ...mismatches] = [
    ...matchSigner(rule.signer, summary.signer, subject),
    ...revokedFinding(summary, revoked, { name: subject }),
  ]
  // The content of somebody else's statement says nothing.
  if (mismatch !== undefined) return { findings: [mismatch, ...mismatches] }
  const read = readable(() => readSourceSummary(summary.statement), question)
  if ('unusable' in read) return { findings: [read.unusable] }
  const [first, ...more] = summaryFindings(question, read.value, summary)
  if (first !== undefined) return { findings: [first, ...more] }
  return judgeSourceDetail(question, { summary, claims: read.value }, signed)
}

/** Every part is compared, so that a person sees at once all that differs. */
function summaryFindings(question: SourceQuestion, claims: SourceSummary, summary: Signed): readonly Finding[] {
  const { built, rule } = question
  const { commit, verifierId, result, resourceUri, policy } = claims
  const differs = (code: ErrorCode, what: string, expected: string, found: string | undefined) =>
    found === expected ? [] : [about(question)(code, `The source summary has another ${what}`, expected, found)]
  return [
    ...differs('verify/source-other-commit', 'commit', built.commit, commit),
    ...differs('verify/source-other-verifier', 'verifier', SOURCE_VERIFIER_ID, verifierId),
    ...differs('verify/source-not-passed', 'result', 'PASSED', result),
    ...differs('verify/source-other-repository', 'repository', built.repository, resourceUri),
    ...differs('verify/other-policy', 'policy', rule.policy, policy.uri),
    ...(rule.digest === undefined ? [] : differs('verify/other-policy', 'policy file', rule.digest, policy.digest)),
    ...levelFindings(question, claims),
    ...runFindings(question, claims, summary),
  ]
}

/** A signed history meets whoever asks for an accepted one, never the other way round. */
function levelFindings(question: SourceQuestion, { levels, result }: SourceSummary): readonly Finding[] {
  const { requirement } = question
  const enough = {
    'source-signed': ['ORG_SOURCE_COMMITS_SIGNED'],
    'source-accepted': ['ORG_SOURCE_COMMITS_SIGNED', 'ORG_SOURCE_COMMITS_ACCEPTED'],
    'source-reviewed': ['ORG_SOURCE_REVIEWED'],
  }[requirement]
  if (result === 'FAILED' || levels.some(level => enough.includes(level))) return []
  const message = `The source summary does not claim what ${requirement} asks for`
  return [about(question)('verify/source-level-missing', message, enough.join(' or '), levels.join(', '))]
}

/**
 * What the certificate proves about the run that verified: whoever may call a shared workflow has its identity, so the
 * summary may speak only of the repository, commit and ref of its own run.
 */
function runFindings(question: SourceQuestion, claims: SourceSummary, { signer }: Signed): readonly Finding[] {
  const { sourceRefs, resourceUri, commit } = claims
  const say = about(question)
  const pulls = sourceRefs.filter(isPullRef)
  if (sourceRefs.length === 0 || pulls.length > 0)
    return [
      say('verify/source-ref-mismatch', 'The source summary names no ref that counts', 'a branch or a tag', pulls[0]),
    ]
  if (signer.kind !== 'certificate' || signer.ci.sourceRepositoryUri === undefined) return []
  const { sourceRepositoryUri, sourceRepositoryDigest, sourceRepositoryRef = '' } = signer.ci
  const run = 'The source summary is about another repository than the run that signed it'
  return [
    ...(resourceUri === `git+${sourceRepositoryUri}`
      ? []
      : [say('verify/source-other-repository', run, `git+${sourceRepositoryUri}`, resourceUri)]),
    ...(commit === sourceRepositoryDigest
      ? []
      : [
          say(
            'verify/commit-not-of-run',
            'The source summary is about another commit than the run that signed it',
            sourceRepositoryDigest ?? 'a commit in the certificate',
            commit,
          ),
        ]),
    ...(sourceRefs.includes(sourceRepositoryRef)
      ? []
      : [
          say(
            'verify/source-ref-mismatch',
            'The source summary does not name the ref of the run that signed it',
            sourceRepositoryRef,
            sourceRefs.join(', '),
          ),
        ]),
  ]
}
