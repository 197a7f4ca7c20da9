import { CATALOGUE } from '../core/catalogue.ts'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import type { Finding, Verdict } from '../core/verdict.ts'
import type { SignedStatement } from '../statements/statement.ts'
import { type ChainLink, chainOf } from './chain.ts'
import type { Expectation } from './expectation.ts'
import { type Case, caseOf, type GateContext, type ImageSubject, type Proof, type Signed } from './gate-case.ts'
import { distinct, finding } from './gate-findings.ts'
import { proveAll } from './prove.ts'
import { unbackedNote } from './provenance.ts'
import { judgeQuarantine, withoutQuarantined } from './quarantine.ts'
import { observedText } from './signer.ts'

export type { ChainLink, LinkState } from './chain.ts'
export { type Expectation, type ExpectationOptions, expectationFor, ruleSigners } from './expectation.ts'
export { type ExpectationFlags, expectationFromFlags } from './expectation-flags.ts'
export type { GateContext, ImageSubject, Proof } from './gate-case.ts'

export interface ImageJudgement {
  readonly verdict: Verdict
  /** Everything worth showing, notes too; for a rejected verdict its findings first. */
  readonly findings: readonly Finding[]
  /** What proves each requirement that holds. */
  readonly matched: readonly Proof[]
  /** The chain as a tree, for people. */
  readonly links: readonly ChainLink[]
}

/**
 * Judges one image or file by statements whose cryptography was verified (7-verify-deploy § 1, steps 4 to 6).
 * Each requirement is proved by one statement about exactly this digest; an index also by its every platform, a platform
 * manifest also by an index that lists it (13-adversary 21); all that hangs on a provenance by the same one. A statement that
 * does not count is named, never fatal. What is in quarantine is rejected whatever else holds.
 */
export function judgeImage(
  subject: ImageSubject,
  signed: readonly Signed[],
  expectation: Expectation,
  context: GateContext,
): ImageJudgement {
  const the = withoutQuarantined(caseOf(subject, signed, expectation, context))
  const attempts = proveAll(the)
  const quarantine = judgeQuarantine(the)
  const matched = attempts.flatMap(({ proof }) => (proof === undefined ? [] : [proof]))
  // The same wrong signer refuses every requirement with the same sentence; once is enough to read.
  const lacking = attempts.flatMap(({ findings }) => findings)
  const against = [...new Map(lacking.map(item => [`${item.code} ${item.message}`, item])).values()]
  const links = chainOf(attempts, the, quarantine)
  const notes = [
    ...matched.flatMap(proof => proofNotes(proof, subject, expectation)),
    ...quarantine.notes,
    ...contextNotes(subject, context),
  ]
  const result = (verdict: Verdict, findings: readonly Finding[]) => ({ verdict, findings, matched, links })
  const [stop, ...stops] = [...quarantine.against, ...(context.incomplete ? [] : against)]
  // What is missing, or what would speak against it, may stand in the part that could not be read (13-adversary 26).
  const shown = context.incomplete ? against.map(item => ({ ...item, severity: 'note' as const })) : []
  // Positive evidence against an image needs no whole list (13-adversary 31).
  if (stop !== undefined)
    return result({ kind: 'rejected', findings: [stop, ...stops] }, [stop, ...stops, ...shown, ...notes])
  if (against.length === 0 && !isOpen(the)) return result(passed(matched, notes), notes)
  const cause = incomplete(the, against.length === 0)
  // Where something is missing the cause says already that the list was cut.
  const rest = shown.length === 0 ? notes : notes.filter(({ code }) => code !== cause.code)
  return result({ kind: 'unknown', cause }, [...shown, ...rest])
}

/** Whether a pass would rest on there being no record, in a list of which nobody knows the end. */
function isOpen({ context, expectation }: Case): boolean {
  return context.incomplete && expectation.quarantineBy !== undefined
}

function incomplete({ subject, expectation, context }: Case, proved: boolean) {
  const [first] = context.rejectedBundles
  const why = first === undefined ? '' : `: ${first.message} (${first.code})`
  const rest = proved ? 'a quarantine record may be among the rest' : 'the rest does not prove what is required'
  return fail('verify/incomplete', `Not every bundle attached to ${subject.name} could be read, and ${rest}`, {
    expected: proved ? 'the whole list, since the rule believes quarantine records' : expectation.description,
    found: `an incomplete list of bundles${why}`,
    // What stopped the list says how to get the rest of it.
    ...(first !== undefined && CATALOGUE[first.code].kind === 'unknown' ? { remedy: first.remedy } : {}),
  })
}

function passed([proof]: readonly Proof[], notes: readonly Finding[]): Verdict {
  if (proof === undefined) throw new TypeError('judgeImage() without a requirement')
  return { kind: 'passed', by: observedText(proof.statements[0].signer), basis: 'signed', notes }
}

function proofNotes(
  { requirement, statements }: Proof,
  subject: ImageSubject,
  { build, deployer }: Expectation,
): readonly Finding[] {
  const expected = requirement === 'deploy-verified' ? deployer?.signer : build
  return distinct(
    statements.flatMap(signed => [
      ...(expected?.kind === 'sigstore' ? sharedIdentityNote(signed, subject) : []),
      ...(requirement === 'provenance' ? unbackedNote(signed, subject.name) : []),
    ]),
  )
}

/** 13-adversary 28: an exact identity of a called workflow is the identity of everybody who calls it. */
function sharedIdentityNote({ signer }: SignedStatement, subject: ImageSubject): readonly Finding[] {
  if (signer.kind !== 'certificate') return []
  const { buildConfigUri } = signer.ci
  if (buildConfigUri === undefined || buildConfigUri === signer.san.value) return []
  const message = `The signing workflow was called by ${printable(buildConfigUri, 200)}`
  return [{ ...finding(subject, 'verify/identity-shared', message, { found: signer.san.value }), severity: 'note' }]
}

function contextNotes(
  subject: ImageSubject,
  { rejectedBundles, incomplete: partial }: GateContext,
): readonly Finding[] {
  const named = rejectedBundles.map(item => ({ ...item, severity: 'note' as const }))
  const count = rejectedBundles.length
  const ignored =
    count === 0
      ? []
      : [
          finding(
            subject,
            'verify/bundles-ignored',
            `${count} attached ${count === 1 ? 'bundle' : 'bundles'} could not be verified`,
            {},
          ),
        ]
  const capped = partial ? [finding(subject, 'verify/incomplete', 'Not every attached bundle could be read', {})] : []
  return [...capped, ...ignored, ...named].map(item => ({ ...item, severity: 'note' as const }))
}
