import { fail } from '../core/error.ts'
import {
  type CommitFacts,
  isRefused,
  type RefusedSignature,
  type SignatureFact,
  type SignatureScheme,
  type TagFacts,
} from '../core/facts.ts'
import { inParallel } from '../core/parallel.ts'
import type { ParsedCommit } from './commit.ts'
import type { Keyring } from './keyring.ts'
import type { NativeAnswer } from './native-answer.ts'
import type { NativeEngine, NativeQuestion } from './native-engine.ts'
import { factsOf, type Mathematics } from './verify.ts'
import { type CheckMany, checkMany } from './verify-many.ts'

/** `native`: the other programs answer for the mathematics. `both`: they and Waybill must say the same. */
export type EngineChoice = 'native' | 'both'

/** What came of asking, one signature each; what is in none of these was not signed. */
export interface EngineTally {
  /** Both have an answer. */
  readonly compared: Record<SignatureScheme, number>
  /** Waybill refuses it before any mathematics (a weak hash, a shape that git does not write), so there is nothing to compare. */
  refusedBefore: number
  /** The other program has no answer: certificates, and algorithms or keys that it does not take. */
  readonly notCompared: Record<SignatureScheme, number>
  disagreements: number
}

export function newTally(): EngineTally {
  const none = () => ({ openpgp: 0, ssh: 0, x509: 0 })
  return { compared: none(), notCompared: none(), refusedBefore: 0, disagreements: 0 }
}

/** Programs that run side by side: enough for the machines this is used on, few enough to leave them usable. */
const LANES = 4

/** The commit, and the tags inside it. */
type Signed = Pick<ParsedCommit, 'signature' | 'payload'>
type Answers = ReadonlyMap<Signed, NativeAnswer>

/** Checks signatures with gpg and ssh-keygen beside, or in the place of, Waybill's own engine. */
export function checkWith(engine: NativeEngine, choice: EngineChoice, tally: EngineTally): CheckMany {
  return async (commits, keyring) => {
    const answers = await ask(engine, commits, keyring)
    if (choice === 'native')
      return Promise.all(commits.map(commit => factsOf(commit, keyring, signed => mathematics(signed, answers, tally))))
    const facts = await checkMany(commits, keyring)
    return facts.map((fact, at) => compared(fact, commits[at], answers, tally))
  }
}

async function ask(engine: NativeEngine, commits: readonly ParsedCommit[], { files }: Keyring): Promise<Answers> {
  const signed: readonly Signed[] = commits.flatMap(commit => [commit, ...(commit.mergetags ?? [])])
  const pairs = await inParallel(signed, LANES, async (item): Promise<readonly (readonly [Signed, NativeAnswer])[]> => {
    if (item.signature === undefined) return []
    const question: NativeQuestion = { ...item.signature, payload: item.payload }
    return [[item, await engine.check(question, files)]]
  })
  return new Map(pairs.flat())
}

/** The other program's answer as the answer to the one question of mathematics; without one Waybill's own. */
function mathematics(signed: Signed, answers: Answers, tally: EngineTally): Mathematics | undefined {
  const answer = answers.get(signed)
  if (answer === undefined || signed.signature === undefined) return undefined
  const { scheme } = signed.signature
  if (answer.kind === 'unjudged' || answer.kind === 'no-key') {
    tally.notCompared[scheme]++
    return undefined
  }
  tally.compared[scheme]++
  const made = (fingerprint: string) => answer.kind === 'valid' && answer.fingerprint === fingerprint
  return {
    openpgp: async (_signature, _payload, key) => made(key.fingerprint),
    ssh: async ({ key }) => made(key.fingerprint),
  }
}

function compared(
  facts: CommitFacts,
  commit: ParsedCommit | undefined,
  answers: Answers,
  tally: EngineTally,
): CommitFacts {
  if (commit?.id !== facts.id) throw fail('core/internal', 'Signatures were checked in another order than asked')
  const signature = settle(facts.signature, answers.get(commit), tally)
  if (facts.mergetags === undefined) return { ...facts, signature }
  const mergetags = facts.mergetags.map((tag, at): TagFacts => {
    const parsed = commit.mergetags?.[at]
    return parsed === undefined ? tag : { ...tag, signature: settle(tag.signature, answers.get(parsed), tally) }
  })
  return { ...facts, signature, mergetags }
}

function settle(own: SignatureFact, answer: NativeAnswer | undefined, tally: EngineTally): SignatureFact {
  if (answer === undefined || own.kind === 'none') return own
  const scheme = schemeOf(own)
  const relation = compare(own, answer)
  if (relation === 'refused-before') tally.refusedBefore++
  else if (relation === 'not-compared') tally.notCompared[scheme]++
  else tally.compared[scheme]++
  if (relation !== 'disagree') return own
  tally.disagreements++
  return disagreement(own, answer, scheme)
}

/**
 * Holds the two answers beside each other.
 * @returns `refused-before`: Waybill has a rule of its own against it, whatever the mathematics. `not-compared`: the other
 * program has no answer, or did not take the key.
 */
export function compare(
  own: Exclude<SignatureFact, { kind: 'none' }>,
  answer: NativeAnswer,
): 'agree' | 'disagree' | 'refused-before' | 'not-compared' {
  if (isRefused(own)) {
    const about = own.code === 'source/bad-signature' || own.code === 'source/key-unknown'
    if (own.scheme !== 'x509' && !about) return 'refused-before'
    if (answer.kind === 'unjudged') return 'not-compared'
    if (answer.kind === 'no-key' && !holds(answer.held, own.claimedKey) && own.code === 'source/bad-signature')
      return 'not-compared'
    const same = own.code === 'source/bad-signature' ? 'invalid' : 'no-key'
    return answer.kind === same ? 'agree' : 'disagree'
  }
  if (answer.kind === 'unjudged') return 'not-compared'
  if (answer.kind === 'no-key') return answer.held.has(own.fingerprint) ? 'disagree' : 'not-compared'
  return answer.kind === 'valid' && answer.fingerprint === own.fingerprint ? 'agree' : 'disagree'
}

/** By fingerprint, or by the key id that a signature names: its last 16 digits. */
function holds(held: ReadonlySet<string>, claimed = ''): boolean {
  return held.has(claimed) || [...held].some(fingerprint => fingerprint.endsWith(claimed))
}

function schemeOf(fact: Exclude<SignatureFact, { kind: 'none' }>): SignatureScheme {
  if (isRefused(fact)) return fact.scheme
  return fact.kind === 'gitsign' ? 'x509' : fact.kind
}

function disagreement(
  own: Exclude<SignatureFact, { kind: 'none' }>,
  answer: NativeAnswer,
  scheme: SignatureScheme,
): RefusedSignature {
  const other = scheme === 'openpgp' ? 'gpg' : 'ssh-keygen'
  const mine = isRefused(own) ? own.code : `valid, by ${own.fingerprint}`
  const theirs = answer.kind === 'valid' ? `valid, by ${answer.fingerprint}` : `${answer.kind}: ${answer.said}`
  const key = isRefused(own) ? own.claimedKey : own.fingerprint
  return {
    kind: 'rejected',
    scheme,
    code: 'source/engines-disagree',
    message: `Waybill’s own engine and ${other} disagree about its signature`,
    expected: `one answer; Waybill’s own engine: ${mine}`,
    found: `${other}: ${theirs}`,
    ...(key === undefined ? {} : { claimedKey: key }),
  }
}
