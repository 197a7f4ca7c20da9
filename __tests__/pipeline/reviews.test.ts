import fc from 'fast-check'
import { parseCommitId, sha256 } from '../../src/core/digest.ts'
import { fail, WaybillError } from '../../src/core/error.ts'
import { reviewRef } from '../../src/core/review-mention.ts'
import { ReviewStatements } from '../../src/pipeline/review-statements.ts'
import { checkReview } from '../../src/pipeline/reviews.ts'
import { preAuthEncoding } from '../../src/sigstore/verify/log-entry.ts'
import { loadKeyring } from '../../src/source/keyring.ts'
import type { StoredReview } from '../../src/source/review-refs.ts'
import { encodeEnvelope } from '../../src/statements/envelope.ts'
import { type ReviewClaims, reviewStatement } from '../../src/statements/review.ts'
import { IN_TOTO_PAYLOAD_TYPE } from '../../src/statements/statement.ts'
import { Gpg } from '../fakes/gpg.ts'
import { makeSshSigner } from '../fakes/ssh-signer.ts'

const ALICE = makeSshSigner()
const HEAD = parseCommitId('2'.repeat(40))
const OTHER = parseCommitId('4'.repeat(40))
const CLAIMS: ReviewClaims = {
  repositoryUri: 'https://github.com/acme/app',
  repositoryId: '4711',
  targetRef: 'refs/heads/main',
  mergeBase: parseCommitId('1'.repeat(40)),
  head: HEAD,
  tree: parseCommitId('3'.repeat(40)),
  decision: 'approve',
  time: new Date('2026-06-01T12:00:00.000Z'),
}
const NOBODY = loadKeyring([])

type Sign = (bytes: Uint8Array) => string
const asAlice: Sign = bytes => ALICE.sign(bytes, 'waybill-review')

function stored(sign: Sign = asAlice, claims = CLAIMS, more: Partial<StoredReview> = {}): StoredReview {
  const payload = reviewStatement(claims)
  const armor = sign(preAuthEncoding({ payloadType: IN_TOTO_PAYLOAD_TYPE, payload }))
  const bytes = encodeEnvelope({ payload, armor }, 'ignored')
  return { ref: reviewRef(HEAD, 'alice'), head: HEAD, principal: 'alice', bytes, ...more }
}

async function refusedFor(review: StoredReview): Promise<string | undefined> {
  const checked = await checkReview(review, await NOBODY)
  if (!('refused' in checked)) return undefined
  const { code, severity, subject, message, found } = checked.refused
  expect([code, severity, subject]).toEqual(['source/review-invalid', 'note', review.ref])
  expect(message).toBe(`The statement behind ${review.ref} does not count`)
  return found
}

test('checkReview() tells what a valid statement claims, who signed it, and the digest of its bytes', async () => {
  const review = stored()
  const checked = await checkReview(review, await NOBODY)
  expect(checked).toEqual({
    fact: {
      ...CLAIMS,
      digest: sha256(review.bytes ?? ''),
      signature: expect.objectContaining({ kind: 'ssh', fingerprint: ALICE.fingerprint }),
    },
  })
})

test('checkReview() finds OpenPGP keys among those of the law alone', async () => {
  const gpg = new Gpg()
  try {
    const print = gpg.makeKey('alice', 'ed25519')
    const review = stored(bytes => gpg.sign(print, bytes))
    const law = await loadKeyring([{ path: 'alice.asc', bytes: Buffer.from(gpg.exported(print)) }])
    expect(await checkReview(review, law)).toMatchObject({
      fact: { signature: { kind: 'openpgp', fingerprint: print } },
    })
    expect(await refusedFor(review)).toMatch(/key/)
  } finally {
    gpg.close()
  }
})

test.each<[string, () => StoredReview, RegExp]>([
  ['a signature made for commits', () => stored(bytes => ALICE.sign(bytes, 'git')), /namespace|purpose/],
  ['a signature over the payload without its type', () => stored(() => asAlice(reviewStatement(CLAIMS))), /match/],
  ['a signature over another statement', () => stored(() => asAlice(Buffer.from('x'))), /match/],
  ['a statement about another head', () => stored(asAlice, { ...CLAIMS, head: OTHER }), /about the commit 4444/],
  ['no blob', () => stored(asAlice, CLAIMS, { bytes: undefined as never }), /no file/],
  ['no JSON', () => stored(asAlice, CLAIMS, { bytes: Buffer.from('{') }), /./],
  [
    'an armor of a third kind',
    () => stored(() => '-----BEGIN SIGNED MESSAGE-----\nAAAA\n-----END SIGNED MESSAGE-----'),
    /./,
  ],
  ['no armor', () => stored(() => ''), /./],
])('13-adversary 11: checkReview() refuses %s', async (_what, review, found) => {
  expect(await refusedFor(review())).toMatch(found)
})

test('checkReview() of any bytes is a fact or a note, never an error', async () => {
  const good = stored().bytes ?? new Uint8Array()
  const keyring = await NOBODY
  const cut = fc.nat({ max: good.length }).map(at => good.subarray(0, at))
  const flipped = fc.tuple(fc.nat({ max: good.length - 1 }), fc.integer({ min: 1, max: 255 })).map(([at, by]) => {
    const bytes = Uint8Array.from(good)
    bytes[at] = (bytes[at] ?? 0) ^ by
    return bytes
  })
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 300 }), cut, flipped), async bytes => {
      const checked = await checkReview(stored(asAlice, CLAIMS, { bytes }), keyring)
      if ('refused' in checked) expect(checked.refused.code).toBe('source/review-invalid')
      // What the signature covers is the payload; the hint beside it may say anything.
      else expect(checked.fact).toMatchObject({ ...CLAIMS, signature: { fingerprint: ALICE.fingerprint } })
    }),
  )
})

describe('ReviewStatements', () => {
  async function* served(...reviews: StoredReview[]): AsyncGenerator<StoredReview> {
    yield* reviews
  }

  test('answers by head, with what stands behind every ref', async () => {
    const [good, bad] = [stored(), stored(asAlice, CLAIMS, { ref: reviewRef(HEAD, 'bob'), bytes: Buffer.from('junk') })]
    const statements = new ReviewStatements(() => served(good, bad))
    const answers = await statements.about(new Set([HEAD]), await NOBODY)
    if (answers instanceof WaybillError) throw answers
    const about = answers.get(HEAD)
    expect(about?.facts.map(({ digest }) => digest)).toEqual([sha256(good.bytes ?? '')])
    expect([...(about?.stored ?? [])]).toEqual([
      [good.ref, sha256(good.bytes ?? '')],
      [bad.ref, sha256('junk')],
    ])
    expect(statements.notes()).toHaveLength(1)
    const kept = await statements.bytes(new Set([HEAD]), new Set([sha256(good.bytes ?? '')]))
    expect([...kept]).toEqual([[sha256(good.bytes ?? ''), good.bytes]])
  })

  test('13-adversary 5: a repository that does not answer is an error, not an empty answer; a deadline ends all', async () => {
    const failing = (error: WaybillError) =>
      // biome-ignore lint/correctness/useYield: it fails before it has anything
      new ReviewStatements(async function* () {
        throw error
      })
    const unreachable = fail('source/repository-unreachable', 'No answer')
    expect(await failing(unreachable).about(new Set([HEAD]), await NOBODY)).toBe(unreachable)
    const late = fail('source/deadline', 'Too late')
    await expect(failing(late).about(new Set([HEAD]), await NOBODY)).rejects.toBe(late)
  })

  test('tells ten refused statements and the number of the others', async () => {
    const junk = Array.from({ length: 25 }, (_, n) =>
      stored(asAlice, CLAIMS, { ref: reviewRef(HEAD, `x${n}`), bytes: Buffer.from('junk') }),
    )
    const statements = new ReviewStatements(() => served(...junk))
    for (let times = 0; times < 2; times++) await statements.about(new Set([HEAD]), await NOBODY)
    expect(statements.notes()).toHaveLength(11)
    expect(statements.notes().at(-1)).toBe('15 more review statements were refused.')
  })
})
