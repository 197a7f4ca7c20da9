import { type Digest, hexOf, parseDigest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import type { JsonObject } from '../core/json.ts'
import { arrayAt, objectAt, optional, stringAt } from '../core/shape.ts'
import { printable } from '../core/text.ts'
import { buildStatement } from './build.ts'
import { reading } from './parse.ts'
import type { Statement } from './statement.ts'
import { QUARANTINE_PREDICATE } from './uris.ts'

/**
 * A word against one image or file, or the end of such a word (13-adversary 31). Never a verification summary: those say what
 * passed. Who may write one, and whether it counts, the gate's rule says (`quarantine-by`).
 */
export interface QuarantineRecord {
  readonly digest: Digest
  /** `release` ends exactly the record that it names. */
  readonly decision: 'quarantine' | 'release'
  /** SHA-256 of the signed bytes of the record that a release ends; present exactly for a release. */
  readonly releases?: Digest
  /** Policy that judged, as in source summaries; absent: judged by flags. */
  readonly policy?: string
  readonly environment?: string
  readonly reason: string
  /** Codes of the findings that led to it, without their texts: foreign words do not go into public logs. */
  readonly codes: readonly string[]
  /**
   * 32 lower-case hex digits, random, of this record alone. A release names a record by its bytes: with two records of the same
   * bytes it would end both, and a key's signature can be given a newer time by anybody who has it logged again.
   */
  readonly nonce: string
}

/** Codes in one record: a failed chain has a handful. */
const MAX_CODES = 50
const MAX_REASON = 500
const NONCE = /^[0-9a-f]{32}$/

/** The statement's bytes, ready to be signed. @throws `statements/quarantine-malformed` */
export function quarantineStatement(record: QuarantineRecord): Uint8Array {
  const { digest, decision, releases, policy, environment, reason, codes, nonce } = record
  const predicate: JsonObject = {
    decision,
    ...(releases === undefined ? {} : { releases: { sha256: hexOf(releases) } }),
    scope: { ...(policy === undefined ? {} : { policy }), ...(environment === undefined ? {} : { environment }) },
    reason,
    codes: [...codes],
    nonce,
  }
  const subjects = [{ digest: { sha256: hexOf(digest) } }] as const
  readQuarantine({ subject: subjects, predicateType: QUARANTINE_PREDICATE, predicate })
  return buildStatement({ subjects, predicateType: QUARANTINE_PREDICATE, predicate })
}

export function isQuarantine({ predicateType }: Statement): boolean {
  return predicateType === QUARANTINE_PREDICATE
}

/**
 * Exactly one subject: a record about many would take them all down with one signature.
 * @throws `statements/quarantine-malformed`
 */
export function readQuarantine({ subject, predicate }: Statement): QuarantineRecord {
  return reading('statements/quarantine-malformed', () => {
    const [first, ...more] = subject
    const hex = first.digest.sha256
    if (more.length > 0 || hex === undefined) throw refused('one subject with a sha256 digest', `${subject.length}`)
    const decision = stringAt(predicate.decision, 'predicate.decision')
    if (decision !== 'quarantine' && decision !== 'release') throw refused('quarantine or release', decision)
    const releases = optional(predicate.releases, objectAt, 'predicate.releases')
    if ((releases !== undefined) !== (decision === 'release'))
      throw refused('a release that names its record', decision)
    const scope = objectAt(predicate.scope, 'predicate.scope')
    const policy = optional(scope.policy, stringAt, 'predicate.scope.policy')
    const environment = optional(scope.environment, stringAt, 'predicate.scope.environment')
    const reason = stringAt(predicate.reason, 'predicate.reason')
    if (reason === '' || reason.length > MAX_REASON) throw refused(`1 to ${MAX_REASON} characters`, reason)
    return {
      digest: parseDigest(`sha256:${hex}`),
      decision,
      ...(releases === undefined
        ? {}
        : { releases: parseDigest(`sha256:${stringAt(releases.sha256, 'predicate.releases.sha256')}`) }),
      ...(policy === undefined ? {} : { policy }),
      ...(environment === undefined ? {} : { environment }),
      reason,
      codes: codesAt(predicate.codes),
      nonce: nonceAt(predicate.nonce),
    }
  })
}

function codesAt(value: JsonObject[string] | undefined): readonly string[] {
  const list = arrayAt(value, 'predicate.codes').map((code, at) => stringAt(code, `predicate.codes[${at}]`))
  const bad = list.find(code => !/^[a-z0-9]+\/[a-z0-9-]+$/.test(code))
  if (bad !== undefined || list.length > MAX_CODES) throw refused('codes of findings', bad ?? `${list.length}`)
  return list
}

function nonceAt(value: JsonObject[string] | undefined): string {
  const nonce = stringAt(value, 'predicate.nonce')
  if (!NONCE.test(nonce)) throw refused('a nonce of 32 lower-case hex digits', nonce)
  return nonce
}

function refused(expected: string, found: string): Error {
  return fail('statements/quarantine-malformed', 'The quarantine record is malformed', {
    expected,
    found: printable(found, 200),
  })
}
