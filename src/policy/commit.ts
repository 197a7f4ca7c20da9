import {
  type CommitFacts,
  isMalformed,
  isRefused,
  type JudgedCommit,
  type MalformedCommit,
  type RefusedSignature,
  type ValidSignature,
} from '../core/facts.ts'
import { printable } from '../core/text.ts'
import type { Basis, Finding } from '../core/verdict.ts'
import { type Bench, commitText, findingFor, lawText } from './bench.ts'
import { sameEmail } from './email.ts'
import type { MergedPull } from './evidence.ts'
import type { CommitJudgement } from './judgement.ts'
import { keyFindings } from './key.ts'
import { matchesRef } from './match.ts'
import { type Owner, ownersOf } from './owner.ts'
import { claimsPlatformKey, hasSwitch, isAllowed, isPlatformSigned } from './platform.ts'
import {
  dressedUp,
  type JudgeInner,
  judgePlatformCommit,
  judgePlatformContent,
  type PlatformJudgement,
  platformRemedy,
} from './platform-commit.ts'
import type { Principal, SourceRule } from './policy.ts'
import type { Backed } from './proofs.ts'
import { sparse } from './sparse.ts'

/** Where a commit stands in the fold: on the line of first parents, or brought in by a commit of that line. */
export type Stand =
  | { readonly kind: 'line'; readonly judgeInner: JudgeInner }
  /** `pull`: it is a commit of this pull request, judged for a squash or rebased commit. */
  | { readonly kind: 'side'; readonly pull?: MergedPull }

export interface Judged {
  readonly commit: CommitJudgement
  /** Commits of a pull request that were judged for it. */
  readonly inner: readonly CommitJudgement[]
}

/**
 * Judges one commit: signature, key → principal by fingerprint, committer's e-mail, every rule that matches the ref.
 * Facts in, verdict out; nothing of what the commit itself says is believed beyond what its signature proves.
 * @param backed the first-parent commit it is or came with, and what stands behind that one; absent when it is malformed.
 */
export function judgeCommit(commit: JudgedCommit, bench: Bench, backed: Backed | undefined, stand: Stand): Judged {
  if (isMalformed(commit)) return alone(malformed(commit, bench))
  const { id, subject, author, committer, signature, trustedTime, earlierTime } = commit
  const rules = rulesFor(bench)
  const about = {
    id,
    subject,
    author,
    committer,
    lawAt: bench.lawAt,
    kind: isRefused(signature) ? signature.scheme : signature.kind,
    ...(trustedTime === undefined ? {} : { trustedTime }),
    ...(earlierTime === undefined ? {} : { earlierTime }),
  }
  const noRule = rules.length === 0 ? [noRuleFinding(commit, bench)] : []
  if (signature.kind === 'none') {
    if (stand.kind !== 'line' || backed === undefined || !isAllowed(rules, 'rebase') || commit.parents.length !== 1)
      return alone({ ...about, ...settle([unsigned(commit), ...noRule]) })
    return platformResult(about, judgePlatformCommit(backed, rules, bench, stand.judgeInner, false), noRule)
  }
  if (isRefused(signature)) {
    const key = signature.claimedKey === undefined ? {} : { key: printable(signature.claimedKey, 120) }
    return alone({ ...about, ...key, ...settle([badSignature(commit, signature, rules, bench), ...noRule]) })
  }
  const signed = { ...about, ...keyOf(signature), signature }
  // Before any principal is asked: a policy that gave somebody the platform's key would make him everybody.
  if (isPlatformSigned(signature, bench.law)) {
    const platform = judgePlatform(commit, rules, bench, backed, stand)
    return platformResult(signed, platform, [
      ...keyFindings(commit, signature, rules, bench),
      ...dressedUp(commit, bench),
      ...noRule,
    ])
  }
  const { principal, findings } = judgeSigner(commit, signature, rules, bench)
  return alone({ ...signed, ...named(principal), ...settle([...findings, ...noRule]) })
}

function alone(commit: CommitJudgement): Judged {
  return { commit, inner: [] }
}

function malformed({ id, malformed: { code, message, found } }: MalformedCommit, bench: Bench): CommitJudgement {
  const finding = findingFor(id, code, `${commitText(id, '')}: ${message}`, { found })
  return { id, subject: '', kind: 'malformed', ...settle([finding]), lawAt: bench.lawAt }
}

function keyOf(signature: ValidSignature): Pick<CommitJudgement, 'key' | 'primary'> {
  const primary =
    signature.kind === 'openpgp' && signature.primary !== signature.fingerprint ? signature.primary : undefined
  return { key: signature.fingerprint, ...(primary === undefined ? {} : { primary }) }
}

function named(principal: Principal | undefined): Pick<CommitJudgement, 'principal' | 'githubId'> {
  if (principal === undefined) return {}
  const { name, github } = principal
  return { principal: name, ...(github === undefined ? {} : { githubId: github.id }) }
}

function judgePlatform(
  commit: CommitFacts,
  rules: readonly SourceRule[],
  bench: Bench,
  backed: Backed | undefined,
  stand: Stand,
): PlatformJudgement {
  if (stand.kind === 'line' && backed !== undefined)
    return judgePlatformCommit(backed, rules, bench, stand.judgeInner, true)
  const pull = stand.kind === 'side' ? stand.pull : undefined
  return judgePlatformContent(commit, backed, pull, rules, bench)
}

function platformResult(
  about: Omit<CommitJudgement, 'outcome' | 'basis' | 'findings'>,
  { basis = 'platform', principal, derivedFrom, inner, findings }: PlatformJudgement,
  more: readonly Finding[],
): Judged {
  const settled = settle([...findings, ...more], basis)
  const from = derivedFrom === undefined || settled.outcome !== 'passed' ? {} : { derivedFrom }
  return { commit: { ...about, ...named(principal), ...from, ...settled }, inner }
}

/** Source rules that hold for the ref, all together. */
export function rulesFor({ law, ref }: Pick<Bench, 'law' | 'ref'>): readonly SourceRule[] {
  return law.policy.source.filter(rule => matchesRef(rule.refs, ref))
}

/** Outcome of what was found; a code whose kind is not "rejected" says that something could not be checked. */
function settle(
  findings: readonly Finding[],
  basis: Basis = 'signed',
): Pick<CommitJudgement, 'outcome' | 'basis' | 'findings'> {
  if (findings.length === 0) return { outcome: 'passed', basis, findings: sparse(findings) }
  const outcome = findings.some(finding => finding.severity === 'reject') ? 'rejected' : 'unknown'
  return { outcome, findings }
}

function unsigned({ id, subject }: CommitFacts): Finding {
  return findingFor(id, 'source/unsigned', `${commitText(id, subject)} carries no signature`)
}

export function noRuleFinding({ id, subject }: Pick<CommitFacts, 'id' | 'subject'>, bench: Bench): Finding {
  const known = bench.law.policy.source.map(rule => rule.text).join('; ')
  return findingFor(
    id,
    'policy/no-rule',
    `${commitText(id, subject)}: no source rule of ${lawText(bench)} matches ${bench.ref}`,
    {
      expected: known === '' ? 'a source rule' : `one of: ${known}`,
      found: bench.ref,
      remedy: `Build from a ref that a rule names, or add to ${bench.law.policyPath} a rule with refs: ["${printable(bench.ref, 200)}"].`,
    },
  )
}

function badSignature(
  commit: CommitFacts,
  fact: RefusedSignature,
  rules: readonly SourceRule[],
  bench: Bench,
): Finding {
  const { id, subject, committer } = commit
  const unchecked = fact.code === 'source/key-unknown' || fact.code === 'source/signer-unknown'
  if (unchecked && claimsPlatformKey(fact.claimedKey, bench.law)) {
    const text = `${commitText(id, subject)} is signed by the platform, not by a person`
    const found = `the platform’s key ${fact.claimedKey}, committer ${committer.email}`
    // It may be a clean merge, or a forgery that names the key: without the key nobody knows.
    if (rules.some(hasSwitch))
      return findingFor(id, 'source/platform-key-missing', `${text}, and its key is not at hand`, { found })
    const expected = 'a signature of a principal’s own key'
    return findingFor(id, 'source/platform-unsupported', text, { expected, found, remedy: platformRemedy(id) })
  }
  const facts = {
    ...(fact.expected === undefined ? {} : { expected: fact.expected }),
    ...(fact.found === undefined ? {} : { found: fact.found }),
    ...(fact.remedy === undefined ? {} : { remedy: fact.remedy }),
  }
  return findingFor(id, fact.code, `${commitText(id, subject)}: ${fact.message}`, facts)
}

interface SignerJudgement {
  readonly principal?: Principal
  readonly findings: readonly Finding[]
}

function judgeSigner(
  commit: CommitFacts,
  fact: ValidSignature,
  rules: readonly SourceRule[],
  bench: Bench,
): SignerJudgement {
  const owners = ownersOf(fact, bench.law)
  const [owner, second] = owners
  if (owner === undefined)
    return { findings: [unknownSigner(commit, fact, bench), ...keyFindings(commit, fact, rules, bench)] }
  if (second !== undefined) return { findings: [ambiguousSigner(commit, fact, owners)] }
  const { principal, signer } = owner
  const findings = [
    ...keyFindings(commit, fact, rules, bench, signer),
    ...committerFinding(commit, principal),
    ...rules.filter(rule => !rule.signers.has(principal.name)).map(rule => notAllowed(commit, principal, rule, bench)),
  ]
  return { principal, findings }
}

function unknownSigner({ id, subject, committer }: CommitFacts, fact: ValidSignature, bench: Bench): Finding {
  const key = `${fact.kind} key ${fact.fingerprint}`
  const line = signerLine(fact)
  return findingFor(
    id,
    'source/signer-unknown',
    `${commitText(id, subject)} is signed by ${key}, which belongs to no principal of ${lawText(bench)}`,
    {
      expected: 'a key of a principal',
      found: `${key}, committer ${committer.email}`,
      remedy: `If the key is known to you, add it to the signers of its principal in an approved commit: ${line}`,
    },
  )
}

/** The entry of `signers` that would make this signature the principal's own. */
function signerLine(fact: ValidSignature): string {
  if (fact.kind === 'openpgp') return `{openpgp: {fingerprint: ${fact.primary}, file: keys/NAME.asc}}`
  if (fact.kind === 'x509') return `{x509: {san: ${fact.emails[0] ?? 'ADDRESS'}, roots: keys/ROOTS.pem}}`
  if (fact.kind === 'gitsign') return `{sigstore: {identity: ${fact.identity}, issuer: ${fact.issuer}}}`
  if (fact.certificate !== undefined)
    return '{ssh-ca: {key: "LINE OF THE AUTHORITY’S .pub FILE", principals: [NAME], max-validity: 1d}}'
  return '{ssh: {key: "LINE OF THE .pub FILE"}}'
}

function ambiguousSigner({ id, subject }: CommitFacts, fact: ValidSignature, owners: readonly Owner[]): Finding {
  const names = owners.map(({ principal }) => principal.name).join(' and ')
  const message = `${commitText(id, subject)} is signed by ${fact.kind} key ${fact.fingerprint}, which belongs to ${names}`
  return findingFor(id, 'source/signer-ambiguous', message, { expected: 'one principal', found: names })
}

function committerFinding({ id, subject, committer }: CommitFacts, principal: Principal): readonly Finding[] {
  if (principal.emails.some(email => sameEmail(email, committer.email))) return []
  return [
    findingFor(
      id,
      'source/committer-mismatch',
      `${commitText(id, subject)} is signed by ${principal.name}, but its committer is ${printable(committer.email, 100)}`,
      {
        expected: principal.emails.join(' or '),
        found: committer.email,
        remedy: `If ${principal.name} made it: git config user.email ${principal.emails[0] ?? 'ADDRESS'}, then git commit --amend --no-edit -S. If the address is ${principal.name}’s, add it to emails.`,
      },
    ),
  ]
}

function notAllowed({ id, subject }: CommitFacts, principal: Principal, rule: SourceRule, bench: Bench): Finding {
  return findingFor(
    id,
    'source/signer-not-allowed',
    `${commitText(id, subject)} is signed by ${principal.name}, whom the rule for ${rule.text} of ${lawText(bench)} does not name`,
    { expected: [...rule.signers].join(', '), found: principal.name },
  )
}
