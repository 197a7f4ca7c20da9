import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { isRefused, type SignatureFact } from '../../src/core/facts.ts'
import { parseTrustRoot, type TrustRoot } from '../../src/sigstore/trust/root.ts'
import { decodeCmsArmor } from '../../src/source/armor.ts'
import { type Authorities, Keyring, loadKeyring } from '../../src/source/keyring.ts'
import { checkSignature } from '../../src/source/verify.ts'
import { toPem } from '../fakes/certificate.ts'
import { cmsArmor } from '../fakes/cms.ts'
import {
  field,
  type GitsignExtras,
  gitsign,
  gitsignArmor,
  gitsignEntry,
  gitsignSignature,
  gitsignToken,
  serialiseEntry,
} from '../fakes/gitsign.ts'
import { withSignature } from '../fakes/repository.ts'
import { type Stack, startStack } from '../fakes/stack.ts'
import { commitOf } from './support.ts'

const PERSON = 'Alice <alice@example.com> 1767225600 +0000'
const PAYLOAD = `tree ${'4b825dc642cb6eb9a060e54bf8d69288fbee4904'}\nauthor ${PERSON}\ncommitter ${PERSON}\n\nSign with gitsign\n`
const OTHER = PAYLOAD.replace('Sign', 'Sing')
const ALICE = { email: 'alice@example.com', email_verified: 'true' }

let stack: Stack
let other: Stack
beforeAll(async () => {
  ;[stack, other] = await Promise.all([startStack(), startStack()])
})
afterAll(async () => {
  await Promise.all([stack.close(), other.close()])
})

function trustOf({ trustedRoot }: Pick<Stack, 'trustedRoot'>): TrustRoot {
  return parseTrustRoot(utf8(JSON.stringify(trustedRoot)), 'file')
}

/** What is said about a commit with this payload and armor. */
function judge(armor: string, authorities: Authorities = {}, payload = PAYLOAD): Promise<SignatureFact> {
  const sigstoreTrust = async () => trustOf(stack)
  return checkSignature(commitOf(withSignature(payload, armor)), new Keyring([], { sigstoreTrust, ...authorities }))
}

/** `kind code` of a refusal, or the kind of a valid fact. */
function outcome(fact: SignatureFact): string {
  return isRefused(fact) ? `${fact.kind} ${fact.code}` : fact.kind
}

async function outcomeOf(armor: string, authorities?: Authorities, payload?: string): Promise<string> {
  return outcome(await judge(armor, authorities, payload))
}

const signed = () => gitsignSignature(stack, utf8(PAYLOAD), ALICE)

test('checkSignature() accepts a gitsign signature of a person, logged in Rekor v1, and says who and when', async () => {
  const before = Math.floor(Date.now() / 1000) * 1000
  const fact = await judge(await gitsign(stack, utf8(PAYLOAD), { claims: ALICE }))
  expect(fact).toMatchObject({
    kind: 'gitsign',
    identity: 'alice@example.com',
    issuer: stack.oidc.issuer,
    algorithm: 'ecdsa-p256',
    bits: 256,
    trustedTime: { from: 'log' },
  })
  if (fact.kind !== 'gitsign') return
  expect(fact.trustedTime.time.getTime()).toBeGreaterThanOrEqual(before)
  expect(fact.fingerprint).toMatch(/^[0-9A-F]{64}$/)
  expect(fact.serial).toMatch(/^[0-9A-F]{38}$/)
})

test('checkSignature() accepts a workflow’s gitsign signature: the identity is its URI', async () => {
  const fact = await judge(await gitsign(stack, utf8(PAYLOAD)))
  const identity = `${stack.git.url}/acme/app/.github/workflows/release.yml@refs/heads/main`
  expect(fact).toMatchObject({ kind: 'gitsign', identity })
})

test('checkSignature() takes the time of an RFC 3161 token where the log, Rekor v2, gives none', async () => {
  const fact = await judge(await gitsign(stack, utf8(PAYLOAD), { rekor: 2 }))
  expect(fact).toMatchObject({ kind: 'gitsign', trustedTime: { from: 'timestamp' } })
  const untimed = await gitsign(stack, utf8(PAYLOAD), { rekor: 2, timestamp: false })
  expect(await outcomeOf(untimed)).toBe('rejected sigstore/time-missing')
})

test('13-adversary 12: the earliest of the times in a gitsign signature is the one that counts', async () => {
  const made = await signed()
  const entry = serialiseEntry(await gitsignEntry(stack, made))
  stack.timestamp.clockOffsetMs = 120_000
  const token = await gitsignToken(stack, made).finally(() => {
    stack.timestamp.clockOffsetMs = 0
  })
  const fact = await judge(gitsignArmor(made, { entry, token }))
  expect(fact).toMatchObject({ kind: 'gitsign', trustedTime: { from: 'log' } })
})

test('checkSignature() asks for the trust root only when a certificate of Fulcio is met, and once an answer is there keeps asking nobody', async () => {
  let asked = 0
  const sigstoreTrust = async () => {
    asked++
    return trustOf(stack)
  }
  const keyring = await loadKeyring([], [], sigstoreTrust)
  const unsigned = commitOf(PAYLOAD)
  await checkSignature(unsigned, keyring)
  expect(asked).toBe(0)
  await checkSignature(commitOf(withSignature(PAYLOAD, await gitsign(stack, utf8(PAYLOAD)))), keyring)
  expect(asked).toBe(1)
})

test('checkSignature() leaves a gitsign signature unjudged without a trust root, and when none can be had', async () => {
  const armor = await gitsign(stack, utf8(PAYLOAD))
  const none = await checkSignature(commitOf(withSignature(PAYLOAD, armor)), new Keyring([]))
  expect(none).toMatchObject({ kind: 'unjudged', scheme: 'x509', code: 'source/trust-root-missing' })
  const malformed = async () => parseTrustRoot(utf8('{}'), 'file')
  expect(await outcomeOf(armor, { sigstoreTrust: malformed })).toBe('unjudged sigstore/trust-malformed')
})

test('checkSignature() leaves online mode unjudged and says how to sign offline', async () => {
  const fact = await judge(gitsignArmor(await signed()))
  expect(fact).toMatchObject({
    kind: 'unjudged',
    code: 'source/gitsign-online',
    remedy: expect.stringContaining('git config --global gitsign.rekorMode offline'),
  })
  const made = await signed()
  expect(await outcomeOf(gitsignArmor(made, { token: await gitsignToken(stack, made) }))).toBe(
    'unjudged source/gitsign-online',
  )
})

test('checkSignature() of changed words rejects, whatever the log says', async () => {
  const armor = await gitsign(stack, utf8(PAYLOAD))
  expect(await outcomeOf(armor, {}, OTHER)).toBe('rejected source/bad-signature')
})

describe('a log entry that is not this signature’s', () => {
  const withEntry = async (extras: GitsignExtras) => outcomeOf(gitsignArmor(await signed(), extras))

  test('of another commit', async () => {
    const another = await gitsignSignature(stack, utf8(OTHER), ALICE)
    const entry = serialiseEntry(await gitsignEntry(stack, another))
    expect(await withEntry({ entry })).toBe('rejected sigstore/log-entry-invalid')
  })

  test('of the same commit, signed again', async () => {
    const entry = serialiseEntry(await gitsignEntry(stack, await signed()))
    expect(await withEntry({ entry })).toBe('rejected sigstore/log-entry-invalid')
  })

  test('that brings the body of another', async () => {
    const logged = await gitsignEntry(stack, await signed())
    const entry = serialiseEntry(logged, logged.canonicalizedBody)
    expect(await withEntry({ entry })).toBe('rejected source/malformed')
  })

  test('of a log that the trust root does not know', async () => {
    const made = await signed()
    const entry = serialiseEntry(await gitsignEntry(other, made))
    expect(await outcomeOf(gitsignArmor(made, { entry }))).toBe('rejected sigstore/log-unknown')
  })

  test.each([
    {
      given: 'a promise of nobody',
      change: (bytes: Buffer) => flip(bytes, bytes.indexOf(Buffer.from('hashedrekord')) + 40),
    },
    {
      given: 'a proof of another leaf',
      change: (bytes: Buffer) => flip(bytes, bytes.indexOf(Buffer.from('\n\u2014')) - 30),
    },
    { given: 'an unknown field', change: (bytes: Buffer) => Buffer.concat([bytes, field(8, Buffer.from('x'))]) },
    { given: 'a field twice', change: (bytes: Buffer) => Buffer.concat([bytes, field(2, Buffer.alloc(2))]) },
    { given: 'its end cut off', change: (bytes: Buffer) => bytes.subarray(0, -1) },
    {
      given: 'a field number that looks like another’s in 32 bits',
      change: (bytes: Buffer) => Buffer.concat([Buffer.from([0x88, 0x80, 0x80, 0x80, 0x10]), bytes.subarray(1)]),
    },
    { given: 'a number too long', change: (bytes: Buffer) => Buffer.concat([Buffer.from([0x08, 0x80, 0x00]), bytes]) },
  ])('with $given', async ({ change }) => {
    const made = await signed()
    const entry = change(serialiseEntry(await gitsignEntry(stack, made)))
    expect(await outcomeOf(gitsignArmor(made, { entry }))).toMatch(
      /^rejected (source\/malformed|sigstore\/log-entry-invalid)$/,
    )
  })
})

function flip(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at)
  return copy
}

test('no changed byte makes a gitsign signature valid for other words, and none ends in an unforeseen error', async () => {
  const der = decodeCmsArmor(await gitsign(stack, utf8(PAYLOAD), { timestamp: true }))
  await fc.assert(
    fc.asyncProperty(fc.nat(der.byteLength - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
      const bytes = new Uint8Array(der)
      bytes[at] = (bytes[at] ?? 0) ^ mask
      expect(await outcomeOf(cmsArmor(bytes), {}, OTHER)).toMatch(/^(rejected|unjudged) (source|sigstore)\//)
      expect(await outcomeOf(cmsArmor(bytes))).toMatch(/^gitsign$|^(rejected|unjudged) (source|sigstore)\//)
    }),
    { numRuns: 150 },
  )
})

test('a body that is stored and is the one that was logged changes nothing', async () => {
  const made = await signed()
  const logged = await gitsignEntry(stack, made)
  const entry = serialiseEntry(logged, logged.canonicalizedBody)
  expect(await outcomeOf(gitsignArmor(made, { entry }))).toBe('gitsign')
})

test('13-adversary 29: a certificate of another Fulcio is rejected, and named by its issuer', async () => {
  const armor = await gitsign(other, utf8(PAYLOAD), { claims: ALICE })
  const fact = await judge(armor)
  expect(fact).toMatchObject({ kind: 'rejected', code: 'source/certificate-untrusted' })
  expect(isRefused(fact) && fact.found).toContain('fulcio intermediate')
})

test('a certificate of a Fulcio whose root the policy names is judged as X.509', async () => {
  const made = await gitsignSignature(other, utf8(PAYLOAD), ALICE)
  const armor = gitsignArmor(made)
  const bytes = utf8(toPem(other.fulcio.intermediate.certificate))
  const { x509Roots } = await loadKeyring([], [{ path: 'roots.pem', bytes }])
  expect(await judge(armor, { x509Roots })).toMatchObject({ kind: 'x509', emails: ['alice@example.com'] })
  const alone = new Keyring([], { x509Roots })
  expect(await checkSignature(commitOf(withSignature(PAYLOAD, armor)), alone)).toMatchObject({ kind: 'x509' })
})

test('13-adversary 12: a log entry made after the certificate’s ten minutes is rejected', async () => {
  stack.rekorV1.clockOffsetMs = 11 * 60_000
  const armor = await gitsign(stack, utf8(PAYLOAD)).finally(() => {
    stack.rekorV1.clockOffsetMs = 0
  })
  expect(await outcomeOf(armor)).toBe('rejected sigstore/certificate-expired')
})

test('a timestamp of an authority that the trust root does not know is rejected', async () => {
  const made = await signed()
  const entry = serialiseEntry(await gitsignEntry(stack, made))
  const token = await gitsignToken(other, made)
  expect(await outcomeOf(gitsignArmor(made, { entry, token }))).toBe('rejected sigstore/timestamp-invalid')
})

test('a timestamp over another signature is rejected', async () => {
  const made = await signed()
  const entry = serialiseEntry(await gitsignEntry(stack, made))
  const token = await gitsignToken(stack, await signed())
  expect(await outcomeOf(gitsignArmor(made, { entry, token }))).toBe('rejected sigstore/timestamp-invalid')
})

test('a certificate without a promise of a certificate log, or with one of another log, is rejected', async () => {
  stack.fulcio.promises = false
  const bare = await gitsign(stack, utf8(PAYLOAD)).finally(() => {
    stack.fulcio.promises = true
  })
  expect(await outcomeOf(bare)).toBe('rejected sigstore/sct-missing')
  const ctlogs = other.trustedRoot.ctlogs
  const sigstoreTrust = async () => trustOf({ trustedRoot: { ...stack.trustedRoot, ctlogs } })
  expect(await outcomeOf(await gitsign(stack, utf8(PAYLOAD)), { sigstoreTrust })).toMatch(
    /^rejected sigstore\/sct-(missing|invalid)$/,
  )
})

test('an instance without logs needs a timestamp in the signature, and no entry', async () => {
  const trustedRoot = { ...stack.trustedRoot, tlogs: [] }
  const sigstoreTrust = async () => trustOf({ trustedRoot })
  const made = await signed()
  const token = await gitsignToken(stack, made)
  expect(await outcomeOf(gitsignArmor(made, { token }), { sigstoreTrust })).toBe('gitsign')
  expect(await outcomeOf(gitsignArmor(made), { sigstoreTrust })).toBe('rejected sigstore/time-missing')
})
