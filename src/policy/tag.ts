import type { CommitId } from '../core/digest.ts'
import type { ErrorCode } from '../core/error.ts'
import { isRefused, type RefusedSignature, type TagFacts, type ValidSignature } from '../core/facts.ts'
import { printable } from '../core/text.ts'
import type { Finding, Outcome } from '../core/verdict.ts'
import { type Bench, findingFor, lawText } from './bench.ts'
import { sameEmail } from './email.ts'
import type { CommitJudgement, KeyUse } from './judgement.ts'
import { keyFindings } from './key.ts'
import { alsoUsed, identityOfKey, keyUses } from './keys-used.ts'
import { matchesRef } from './match.ts'
import { ownersOf } from './owner.ts'
import type { Principal, TagRule } from './policy.ts'
import { about, type Court, type ExpectedTag, namesOf, retag, TAGS, tagText } from './tag-finding.ts'
import { coveringTime } from './times.ts'

export type { ExpectedTag }

/** A tag object that the strict parser refused, or that names no commit. */
export interface RefusedTag {
  readonly id: CommitId
  readonly refused: { readonly code: ErrorCode; readonly message: string; readonly found: string }
}

/** No tag object at all: a name for a commit, which anybody who may push can give. */
export interface LightweightTag {
  readonly lightweight: CommitId
}

/** What stands behind the tag's ref as the server serves it. */
export type ServedTag = TagFacts | RefusedTag | LightweightTag

export interface TagJudgement {
  readonly ref: string
  /** Without `refs/tags/`. */
  readonly name: string
  /** Of the tag object; of a lightweight tag the commit. */
  readonly id: CommitId
  /** The commit that is built. */
  readonly commit: CommitId
  readonly kind: CommitJudgement['kind']
  /** As claimed. */
  readonly tagger?: string
  /** Name of the principal whose key signed, also when the tag is rejected for another reason. */
  readonly principal?: string
  readonly githubId?: number
  /** Fingerprint of the key that signed; for a rejected signature as it claims, unproven. */
  readonly key?: string
  /** Of an OpenPGP subkey's primary key. */
  readonly primary?: string
  /** The commit that brought the law by which the tag was judged. */
  readonly lawAt: CommitId
  /** As checked, for revocations of later days; absent when none was valid. */
  readonly signature?: ValidSignature
  readonly outcome: Outcome
  readonly findings: readonly Finding[]
}

export function isTagRef(ref: string): boolean {
  return ref.startsWith(TAGS)
}

/** Rules of the law that speak about this tag; all of them hold together. */
export function tagRulesFor({ law }: Pick<Bench, 'law'>, ref: string): readonly TagRule[] {
  return law.policy.tags.filter(rule => matchesRef(rule.refs, ref))
}

/**
 * Judges who tagged which commit (13-adversary 6): the tag must be signed, name itself and the commit that is built, by a
 * principal of every rule, under his own e-mail, and the commit must lie along a branch of each rule.
 * @param rules what `tagRulesFor` gave; with none the tag is rejected.
 */
export function judgeTag(
  tag: ServedTag,
  expected: ExpectedTag,
  rules: readonly TagRule[],
  bench: Omit<Bench, 'ref'>,
): TagJudgement {
  const court: Court = {
    expected,
    rules,
    bench: { ...bench, ref: expected.ref },
    name: expected.ref.slice(TAGS.length),
  }
  const { judged, findings } = judgeObject(tag, court)
  const all = [...findings, ...ruleFindings(court), ...branchFindings(court)]
  const rejected = all.some(({ severity }) => severity === 'reject')
  return {
    ref: expected.ref,
    name: court.name,
    commit: expected.commit,
    lawAt: bench.lawAt,
    ...judged,
    outcome: rejected ? 'rejected' : all.length === 0 ? 'passed' : 'unknown',
    findings: all,
  }
}

type Judged = Pick<TagJudgement, 'id' | 'kind' | 'tagger' | 'principal' | 'githubId' | 'key' | 'primary' | 'signature'>

function judgeObject(tag: ServedTag, court: Court): { readonly judged: Judged; readonly findings: readonly Finding[] } {
  if ('lightweight' in tag) {
    const id = tag.lightweight
    return {
      judged: { id, kind: 'none' },
      findings: [...otherCommit(id, id, court), unsigned(id, 'lightweight', court)],
    }
  }
  if ('refused' in tag) {
    const { code, message, found } = tag.refused
    return {
      judged: { id: tag.id, kind: 'malformed' },
      findings: [about(tag.id, code, message, court, { found, remedy: retag(court) })],
    }
  }
  const { signature } = tag
  const { judged, findings } = judgeSignature(tag, court)
  const kind = isRefused(signature) ? signature.scheme : signature.kind
  return {
    judged: { id: tag.id, kind, tagger: tag.tagger.name, ...judged },
    findings: [...identityFindings(tag, court), ...findings],
  }
}

/** The two things a valid signature can be stolen for: another name, and another commit. */
function identityFindings({ id, name, object }: TagFacts, court: Court): readonly Finding[] {
  const other = otherCommit(id, object, court)
  if (name === court.name) return other
  // The signed tag of an old release, served under the name of a new one.
  const facts = { expected: court.name, found: name }
  return [about(id, 'source/tag-name-mismatch', `names itself ${printable(name, 100)}`, court, facts), ...other]
}

function otherCommit(id: CommitId, object: CommitId, court: Court): readonly Finding[] {
  const { commit } = court.expected
  if (object === commit) return []
  const sentence = `points at ${object} now, which is not the commit that is built`
  return [about(id, 'source/tag-other-commit', sentence, court, { expected: commit, found: object })]
}

function judgeSignature(
  tag: TagFacts,
  court: Court,
): { readonly judged: Partial<Judged>; readonly findings: readonly Finding[] } {
  const { id, signature } = tag
  if (signature.kind === 'none') return { judged: {}, findings: [unsigned(id, 'annotated, not signed', court)] }
  if (isRefused(signature)) {
    const key = signature.claimedKey === undefined ? {} : { key: printable(signature.claimedKey, 120) }
    return { judged: key, findings: [refusedSignature(id, signature, court)] }
  }
  const subkey = signature.kind === 'openpgp' && signature.primary !== signature.fingerprint
  const { principal, findings } = judgeSigner(tag, signature, court)
  return {
    judged: {
      key: signature.fingerprint,
      ...(subkey ? { primary: signature.primary } : {}),
      signature,
      ...(principal === undefined ? {} : { principal: principal.name }),
      ...(principal?.github === undefined ? {} : { githubId: principal.github.id }),
    },
    findings,
  }
}

function judgeSigner(
  tag: TagFacts,
  fact: ValidSignature,
  court: Court,
): { readonly principal?: Principal; readonly findings: readonly Finding[] } {
  const { bench, rules } = court
  const [owner, ...others] = ownersOf(fact, bench.law)
  const key = `${fact.kind} key ${fact.fingerprint}`
  const signed = { id: tag.id, subject: '', text: tagText(court) }
  // The general remedies speak of commits and their exceptions; no exception can name a tag.
  const again = (finding: Finding): Finding => ({ ...finding, remedy: retag(court) })
  if (owner === undefined) {
    const sentence = `is signed by ${key}, which belongs to no principal of ${lawText(bench)}`
    const unknown = about(tag.id, 'source/signer-unknown', sentence, court, {
      expected: `a key of ${namesOf(rules)}`,
      found: `${key}, tagger ${tag.tagger.email}`,
    })
    return { findings: [unknown, ...keyFindings(signed, fact, rules, bench).map(again)] }
  }
  if (others.length > 0) {
    const names = [owner, ...others].map(({ principal }) => principal.name).join(' and ')
    const sentence = `is signed by ${key}, which belongs to ${names}`
    const facts = { expected: 'one principal', found: names }
    return { findings: [about(tag.id, 'source/signer-ambiguous', sentence, court, facts)] }
  }
  const { principal, signer } = owner
  const findings = [
    ...keyFindings(signed, fact, rules, bench, signer).map(again),
    ...taggerFinding(tag, principal, court),
    ...rules.filter(rule => !rule.signers.has(principal.name)).map(rule => notAllowed(tag, principal, rule, court)),
  ]
  return { principal, findings }
}

/** git never compares the tagger with the signer, as it never compares the committer. */
function taggerFinding({ id, tagger }: TagFacts, principal: Principal, court: Court): readonly Finding[] {
  if (principal.emails.some(email => sameEmail(email, tagger.email))) return []
  const sentence = `is signed by ${principal.name}, but its tagger is ${printable(tagger.email, 100)}`
  const facts = { expected: principal.emails.join(' or '), found: tagger.email }
  return [about(id, 'source/tagger-mismatch', sentence, court, facts)]
}

function notAllowed({ id }: TagFacts, principal: Principal, rule: TagRule, court: Court): Finding {
  const sentence = `is signed by ${principal.name}, whom the tag rule for ${rule.text} of ${lawText(court.bench)} does not name`
  return about(id, 'source/signer-not-allowed', sentence, court, {
    expected: [...rule.signers].join(', '),
    found: principal.name,
    remedy: `Have the tag made by one of: ${[...rule.signers].join(', ')}. Or add ${principal.name} to the signers of the rule in an approved commit.`,
  })
}

/** Refusals whose remedy is not to sign the tag again. */
const KEEPS_REMEDY: ReadonlySet<ErrorCode> = new Set(['source/key-unknown', 'source/signature-unsupported'])

function refusedSignature(id: CommitId, fact: RefusedSignature, court: Court): Finding {
  return about(id, fact.code, fact.message, court, {
    ...(fact.expected === undefined ? {} : { expected: fact.expected }),
    ...(fact.found === undefined ? {} : { found: fact.found }),
    remedy: (KEEPS_REMEDY.has(fact.code) ? fact.remedy : undefined) ?? retag(court),
  })
}

function unsigned(id: CommitId, found: string, court: Court): Finding {
  return about(id, 'source/tag-unsigned', `carries no signature: it is ${found}`, court, {
    expected: `a tag object signed by ${namesOf(court.rules)}`,
    found: `a tag that is ${found}`,
    remedy: retag(court),
  })
}

function ruleFindings({ rules, expected, bench, name }: Court): readonly Finding[] {
  if (rules.length > 0) return []
  const known = bench.law.policy.tags.map(rule => rule.text).join('; ')
  return [
    findingFor(
      expected.commit,
      'policy/no-rule',
      `tag ${printable(name, 100)}: no tag rule of ${lawText(bench)} matches it`,
      {
        expected: known === '' ? 'a tag rule' : `one of: ${known}`,
        found: expected.ref,
      },
    ),
  ]
}

/** 13-adversary 6: whoever can push a branch nobody looks at could tag it. */
function branchFindings(court: Court): readonly Finding[] {
  const { commit, on } = court.expected
  const missed = court.rules.filter(rule => !rule.on.some(branch => on.has(branch)))
  return missed.map(rule =>
    about(
      commit,
      'source/tag-off-branch',
      `points at ${commit.slice(0, 7)}, which does not lie between the anchor and the tip of ${rule.on.join(' or ')}`,
      court,
      { expected: `a commit that came to ${rule.on.join(' or ')}`, found: commit },
    ),
  )
}

/**
 * The keys that the verdict rests on with that of an accepted tag, so that a gate can apply a later revocation to it
 * (13-adversary 12).
 */
export function withTagKey(
  { outcome, signature, principal, commit }: TagJudgement,
  keys: readonly KeyUse[],
): readonly KeyUse[] {
  if (outcome !== 'passed' || signature === undefined || principal === undefined) return keys
  const time = coveringTime({}, signature)
  const about = { key: identityOfKey(signature), principal, at: commit, isCommit: false, time, earlier: undefined }
  return keyUses([about]).reduce(alsoUsed, keys)
}
