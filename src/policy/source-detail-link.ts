import type { Finding } from '../core/verdict.ts'
import type { Verified } from '../core/verified.ts'
import { readSourceDetail } from '../statements/read-source-detail.ts'
import type { DetailKey, SourceDetail } from '../statements/source-detail.ts'
import type { SourceSummary } from '../statements/source-vsa.ts'
import type { SignedStatement } from '../statements/statement.ts'
import { SOURCE_VERIFICATION_PREDICATE } from '../statements/uris.ts'
import type { Revocation } from './policy.ts'
import { revokedText, revokes } from './revocation.ts'
import { matchSigner } from './signer.ts'
import { about, readable, type SourceLink, type SourceQuestion } from './source-question.ts'

type Signed = Verified<SignedStatement>

/** A summary that counts by itself, and what it claims. */
export interface CountedSummary {
  readonly summary: Signed
  readonly claims: SourceSummary
}

/**
 * The detail that the summary names by digest: found, whole, of the same signer, and saying nothing that the rule refuses.
 * Without it nobody knows from which anchor on the history was judged, nor with which keys (13-adversary 12, 27).
 */
export function judgeSourceDetail(
  question: SourceQuestion,
  { summary, claims }: CountedSummary,
  signed: readonly Signed[],
): SourceLink {
  const named = signed.filter(item => isDetail(item) && item.payload === claims.detail)
  // Anybody can sign the same bytes again; a copy by a stranger must not stand in front of the right one.
  const mismatches = named.map(item => matchSigner(question.rule.signer, item.signer, question.subject))
  const detail = named[mismatches.findIndex(({ length }) => length === 0)]
  if (detail === undefined) return { findings: nonEmpty(mismatches.flat(), missingDetail(question, claims, signed)) }
  const read = readable(() => readSourceDetail(detail.statement), question)
  if ('unusable' in read) return { findings: [read.unusable] }
  const [first, ...more] = detailFindings(question, claims, read.value)
  return first === undefined ? { statements: [summary, detail] } : { findings: [first, ...more] }
}

function nonEmpty([first, ...more]: readonly Finding[], otherwise: Finding): readonly [Finding, ...Finding[]] {
  return first === undefined ? [otherwise] : [first, ...more]
}

function missingDetail(question: SourceQuestion, { detail }: SourceSummary, signed: readonly Signed[]): Finding {
  const others = signed.filter(isDetail).map(({ payload }) => payload)
  return about(question)(
    'verify/source-detail-missing',
    'The detail that the source summary names is not attached to the image',
    detail ?? 'a summary that names its detail',
    others.join(', ') || undefined,
  )
}

function isDetail({ statement }: Signed): boolean {
  return statement.predicateType === SOURCE_VERIFICATION_PREDICATE
}

function detailFindings(question: SourceQuestion, claims: SourceSummary, detail: SourceDetail): readonly Finding[] {
  const { rule } = question
  const say = about(question)
  const { range, law, mode, exceptions } = detail
  return [
    ...contradictions(question, claims, detail),
    ...(range.anchor === rule.anchor
      ? []
      : [say('verify/other-anchor', 'The commits were verified from another anchor', rule.anchor, range.anchor)]),
    ...(law.policy.uri === rule.policy
      ? []
      : [say('verify/other-policy', 'The commits were verified by another policy', rule.policy, law.policy.uri)]),
    ...(mode === 'enforce'
      ? []
      : [
          say(
            'verify/source-not-enforced',
            'The run did not insist on verified commits',
            'mode enforce',
            `mode ${mode}`,
          ),
        ]),
    ...(exceptions.length === 0 || rule.exceptions === 'allow'
      ? []
      : [
          say(
            'verify/source-exceptions',
            'Commits were accepted by name, without the signature that the policy asks for',
            'no exceptions',
            exceptions.map(({ kind, commit }) => `${kind} ${commit}`).join(', '),
          ),
        ]),
    ...detail.keys.flatMap(key => compromised(question, key)),
  ]
}

/** Summary and detail are two halves of one word; where they differ neither is believed. */
function contradictions(question: SourceQuestion, claims: SourceSummary, detail: SourceDetail): readonly Finding[] {
  const say = about(question)
  const { range, law, commits, exceptions } = detail
  const message = 'The source summary and its detail contradict each other'
  const differs = (expected: string, found: string | undefined) =>
    found === expected ? [] : [say('verify/source-unusable', message, expected, found)]
  const unsigned = commits.find(({ basis }) => basis !== 'signed' && basis !== 'derived')
  const claimsSigned = claims.levels.includes('ORG_SOURCE_COMMITS_SIGNED')
  return [
    ...differs(claims.commit, range.to),
    ...differs(law.policy.digest, claims.policy.digest),
    ...(claimsSigned && unsigned !== undefined ? differs('signed or derived', unsigned.basis) : []),
    ...(claimsSigned && exceptions.length > 0 ? differs('no exceptions', `${exceptions.length} exceptions`) : []),
  ]
}

/**
 * A compromised key's holder can date commits as he likes: only a trusted time before the compromise keeps what the key
 * signed. The rest of a key's state (membership, roles, expiry, `retired`) is history and was judged then.
 */
function compromised(question: SourceQuestion, key: DetailKey): readonly Finding[] {
  const entries = question.revoked.filter(entry => entry.mode === 'compromised' && !isOlder(key, entry))
  const named = entries.find(entry => revokes(entry, key))
  const unclear = named === undefined ? entries.find(entry => mayName(entry, key)) : undefined
  const entry = named ?? unclear
  if (entry === undefined) return []
  const { fingerprint, principal, lastTime } = key
  const message =
    named === undefined
      ? `${unclearText(key)} is not recorded, and ${revokedText(entry)} is called compromised`
      : `Key ${fingerprint} of ${principal}, on which the verification since the anchor rests, is called compromised`
  return [
    about(question)(
      named === undefined ? 'verify/source-serial-unclear' : 'verify/source-key-compromised',
      message,
      `every use of the key proved to be older than ${entry.effective.toISOString()}`,
      lastTime === undefined ? 'no trusted time' : `one as young as ${lastTime.toISOString()}`,
    ),
  ]
}

/**
 * SSH certificates are as many as somebody has sessions, and those of Fulcio last for minutes, so which of them signed is not
 * recorded: any use of the authority, or of the person, may have been the one. What cannot be told apart is refused, never
 * passed over. A certificate of Fulcio is named by its serial or, like any certificate, by its SHA-256.
 */
function mayName(entry: Revocation, { kind, authority, serials }: DetailKey): boolean {
  if (kind === 'ssh-certificate') return entry.kind === 'ssh-serial' && authority === entry.authority
  if (kind !== 'gitsign') return false
  return entry.kind === 'serial' ? serials === undefined : entry.kind === 'key' && SHA256_HEX.test(entry.fingerprint)
}

const SHA256_HEX = /^[0-9A-F]{64}$/

function unclearText({ kind, authority, fingerprint, principal }: DetailKey): string {
  return kind === 'gitsign'
    ? `Which certificates of Fulcio ${principal} had`
    : `Which certificates of authority ${authority} key ${fingerprint} of ${principal} had`
}

function isOlder({ lastTime }: DetailKey, { effective }: Revocation): boolean {
  return lastTime !== undefined && lastTime.getTime() < effective.getTime()
}
