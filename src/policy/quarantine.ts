import type { Digest } from '../core/digest.ts'
import { WaybillError } from '../core/error.ts'
import type { Finding } from '../core/verdict.ts'
import { isQuarantine, type QuarantineRecord, readQuarantine } from '../statements/quarantine.ts'
import type { Expectation } from './expectation.ts'
import { type Case, type Signed, statementsAbout } from './gate-case.ts'
import { finding, revokedFinding } from './gate-findings.ts'
import { sharedName } from './policy-name.ts'
import { matchSigner, observedText } from './signer.ts'

/** What speaks against a subject whatever else holds (13-adversary 31). */
export interface QuarantineJudgement {
  /** Each rejects. */
  readonly against: readonly Finding[]
  /** Records that do not count, as notes. */
  readonly notes: readonly Finding[]
  /** The record that rejects; of several the latest. */
  readonly record?: Signed
  /** Whether anything was asked: the policy has a list, or the rule believes somebody. */
  readonly asked: boolean
}

/** Records that do not count and are shown; anybody who may push can attach them. */
const MAX_NOTES = 5

interface Believed extends QuarantineRecord {
  readonly signed: Signed
}

/**
 * A digest in `quarantined:` of the policy, and records by whom the rule believes. Of an index the platforms that are deployed
 * count too. A missing record proves nothing; whether the list of records was whole is for the caller.
 */
export function judgeQuarantine(the: Case): QuarantineJudgement {
  const { subject, expectation } = the
  const digests = [...new Set([subject.digest, ...(subject.platforms ?? [])])]
  const listed = expectation.quarantined.filter(({ digest }) => digests.includes(digest))
  const { active, notes } = recordsOf(digests, the)
  const [latest] = active.toSorted((a, b) => timeOf(b) - timeOf(a))
  return {
    against: [
      ...listed.map(({ digest, reason, since }) =>
        finding(subject, 'verify/quarantined', `The policy has ${digest} in quarantine: ${reason}`, {
          expected: 'a digest that is not in quarantined',
          found: `in quarantine since ${since.toISOString()}`,
        }),
      ),
      ...active.slice(0, MAX_NOTES).map(record => activeFinding(record, the)),
    ],
    notes: notes.slice(0, MAX_NOTES),
    ...(latest === undefined ? {} : { record: latest.signed }),
    asked: expectation.quarantined.length > 0 || expectation.quarantineBy !== undefined,
  }
}

/** What is known, without the indexes that are in quarantine themselves: those vouch for nobody. */
export function withoutQuarantined(the: Case): Case {
  const { subject, expectation } = the
  const listed = new Set<string>(expectation.quarantined.map(({ digest }) => digest))
  const parents = (subject.parents ?? []).filter(
    parent => !listed.has(parent) && recordsOf([parent], the).active.length === 0,
  )
  return { ...the, subject: { ...subject, parents } }
}

function recordsOf(digests: readonly Digest[], the: Case): { active: readonly Believed[]; notes: readonly Finding[] } {
  const notes: Finding[] = []
  const believed: Believed[] = []
  for (const signed of new Set(digests.flatMap(digest => statementsAbout(digest, the)))) {
    if (!isQuarantine(signed.statement) || signed.form !== undefined) continue
    const read = believe(signed, the)
    if ('note' in read) notes.push(read.note)
    else believed.push(read)
  }
  const releases = believed.filter(
    item => item.decision === 'release' && otherScope(item, the.expectation) === undefined,
  )
  const active: Believed[] = []
  for (const record of believed.filter(({ decision }) => decision === 'quarantine')) {
    const scope = otherScope(record, the.expectation)
    const ended = releases.find(release => ends(release, record))
    if (scope !== undefined) notes.push(ignored(record.signed, `is for ${scope}`, the))
    else if (ended !== undefined) notes.push(ignored(record.signed, `was ended on ${iso(ended)}`, the))
    else active.push(record)
  }
  return { active, notes }
}

/** A record, or why its word is nobody's: a typo, or somebody who would stop others, must not quarantine for everybody. */
function believe(signed: Signed, the: Case): Believed | { readonly note: Finding } {
  const { subject, expectation } = the
  const { quarantineBy, revoked } = expectation
  if (quarantineBy === undefined) return { note: ignored(signed, 'is of somebody the rule does not name', the) }
  if (matchSigner(quarantineBy, signed.signer, subject.name).length > 0)
    return { note: ignored(signed, 'is not of whom the rule believes', the) }
  if (revokedFinding(signed, revoked, subject).length > 0)
    return { note: ignored(signed, 'is of a signer who is revoked', the) }
  try {
    return { ...readQuarantine(signed.statement), signed }
  } catch (error) {
    if (!(error instanceof WaybillError)) throw error
    return { note: ignored(signed, 'cannot be read', the) }
  }
}

/**
 * A release ends exactly the record it names, and none that was signed later: the same words may be signed again on purpose.
 * Both times are of trusted services.
 */
function ends(release: Believed, record: Believed): boolean {
  return (
    release.digest === record.digest && release.releases === record.signed.payload && timeOf(release) >= timeOf(record)
  )
}

/**
 * What else a record is for; undefined when it is for this gate. A part narrows only where both sides name it: a policy on
 * somebody's disk has no name that others share, and a record for no environment is for all of them.
 */
function otherScope(record: Believed, { policy, deployer }: Expectation): string | undefined {
  const [mine, theirs] = [sharedName(policy?.uri), sharedName(record.policy)]
  if (mine !== undefined && theirs !== undefined && mine !== theirs) return `the policy ${theirs}`
  const [here, there] = [deployer?.environment, record.environment]
  if (here !== undefined && there !== undefined && here !== there) return `the environment ${there}`
  return undefined
}

function activeFinding(record: Believed, { subject }: Case): Finding {
  const codes = record.codes.length === 0 ? '' : ` (${record.codes.join(', ')})`
  const by = observedText(record.signed.signer)
  return finding(
    subject,
    'verify/quarantined',
    `${by} has put ${record.digest} in quarantine: ${record.reason}${codes}`,
    {
      expected: `no record, or a release of ${record.signed.payload} by the same signer`,
      found: `a record of ${iso(record)}`,
    },
  )
}

function ignored(signed: Signed, why: string, { subject }: Case): Finding {
  const message = `A quarantine record of ${observedText(signed.signer)} ${why}`
  const note = finding(subject, 'verify/quarantine-ignored', message, { found: signed.bundle })
  return { ...note, severity: 'note' }
}

/** Against whoever would lift it: a record without a time is of any moment, a release without one comes after none. */
function timeOf({ signed, decision }: Believed): number {
  return signed.signedAt?.getTime() ?? (decision === 'release' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY)
}

function iso({ signed }: Believed): string {
  return signed.signedAt?.toISOString() ?? 'an unknown time'
}
