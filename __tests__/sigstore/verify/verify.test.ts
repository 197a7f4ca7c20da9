import { generateKeyPairSync, sign } from 'node:crypto'
import { bundleFromJSON, toDSSEBundle } from '@sigstore/bundle'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'
import fc from 'fast-check'
import { sha256 } from '../../../src/core/digest.ts'
import { WaybillError } from '../../../src/core/error.ts'
import { LIMITS } from '../../../src/core/limits.ts'
import { serialiseBundle } from '../../../src/sigstore/bundle.ts'
import { requestTimestamp } from '../../../src/sigstore/sign/timestamp.ts'
import { preAuthEncoding } from '../../../src/sigstore/verify/log-entry.ts'
import { type VerificationNeed, verifyBundle } from '../../../src/sigstore/verify/verify.ts'
import { IN_TOTO_PAYLOAD_TYPE } from '../../../src/statements/statement.ts'
import { basicConstraintsAuthority, extension } from '../../fakes/certificate.ts'
import { p256 } from '../../fakes/keys.ts'
import { bundleJson, envelopeOf, hashedBody, logged, signBytes } from '../messages.ts'
import {
  at,
  type Bench,
  changed,
  codeOf,
  errorOf,
  forge,
  jsonOf,
  listAt,
  type Mutable,
  openBench,
  rootWith,
  SAN,
  statement,
} from '../support.ts'

let bench: Bench
let other: Bench
let second: Bench
let good: Uint8Array
let another: Uint8Array
let ofV2: Uint8Array
beforeAll(async () => {
  ;[bench, other, second] = await Promise.all([openBench(), openBench(), openBench({ rekor: 'v2' })])
  const session = bench.session()
  good = (await session.sign(statement())).bundle
  another = (await session.sign(statement('b'))).bundle
  ofV2 = (await second.session().sign(statement())).bundle
})
afterAll(() => Promise.all([bench, other, second].map(b => b.close())))

const olderStatement = (
  predicateType: string,
  subject: unknown = [{ name: 'a', digest: { sha256: 'ab'.repeat(32) } }],
) => JSON.stringify({ _type: 'https://in-toto.io/Statement/v0.1', subject, predicateType, predicate: {} })
const material = (json: unknown) => at(json, 'verificationMaterial')
const entry = (json: Mutable) => at(json, 'verificationMaterial', 'tlogEntries', 0)
const code = (bytes: Uint8Array, need?: VerificationNeed, trust = bench.trust) =>
  codeOf(() => verifyBundle(bytes, trust, need))

describe('verifyBundle()', () => {
  test('gives the statement, the signer and the times of a bundle logged by Rekor v1', () => {
    const verified = verifyBundle(good, bench.trust)
    expect(verified.statement.predicate).toEqual({ name: 'a' })
    expect(verified.signer).toMatchObject({ kind: 'certificate', san: { type: 'uri', value: SAN } })
    expect(verified.timeSources).toEqual(['rekor-v1', 'rfc3161'])
    expect(verified.log).toEqual({ url: bench.stack.rekorV1.url, index: '100000' })
    expect(verified.bundle).toBe(sha256(good))
    expect(Math.abs(Number(verified.signedAt) - Date.now())).toBeLessThan(60_000)
  })

  test('gives the same of a bundle logged by Rekor v2, whose only time is the timestamp', () => {
    const verified = verifyBundle(ofV2, second.trust)
    expect(verified.timeSources).toEqual(['rfc3161'])
    expect(verified.log).toEqual({ url: second.stack.rekorV2.url, index: '0' })
  })

  test.each(['v1', 'v2'])('accepts what @sigstore/verify accepts: our bundle (%s) passes there too', version => {
    const [bytes, root] = version === 'v1' ? [good, bench.stack] : [ofV2, second.stack]
    const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(root.trustedRoot)), {
      tlogThreshold: 1,
      ctlogThreshold: 1,
      timestampThreshold: 1,
    })
    const signer = verifier.verify(toSignedEntity(bundleFromJSON(jsonOf(bytes))))
    expect(signer.identity?.subjectAlternativeName).toBe(SAN)
  })

  test('takes a timestamp alone where the rule asks for no log', () => {
    const bytes = changed(good, json => Object.assign(material(json), { tlogEntries: [] }))
    const verified = verifyBundle(bytes, bench.trust, { logs: 0 })
    expect(verified.log).toBeUndefined()
    expect(verified.timeSources).toEqual(['rfc3161'])
  })

  test('takes the promise of Rekor v1 alone where there is no timestamp', () => {
    const bytes = changed(good, json => void delete material(json).timestampVerificationData)
    expect(verifyBundle(bytes, bench.trust).timeSources).toEqual(['rekor-v1'])
  })
})

describe('verifyBundle() refuses', () => {
  test('one changed byte of the payload', async () => {
    const bytes = changed(good, json => {
      const payload = Buffer.from(at(json, 'dsseEnvelope').payload as string, 'base64')
      payload[payload.length - 3] = (payload[payload.length - 3] ?? 0) ^ 1
      Object.assign(at(json, 'dsseEnvelope'), { payload: payload.toString('base64') })
    })
    expect(await code(bytes)).toBe('sigstore/signature-invalid')
  })

  test('another envelope under the same proofs', async () => {
    const bytes = changed(good, json => Object.assign(json, { dsseEnvelope: jsonOf(another).dsseEnvelope }))
    expect(await code(bytes)).toBe('sigstore/timestamp-invalid')
  })

  test('the log entry of another payload by the same signer', async () => {
    const bytes = changed(good, json =>
      Object.assign(material(json), { tlogEntries: material(jsonOf(another)).tlogEntries }),
    )
    expect(await code(bytes)).toBe('sigstore/log-entry-invalid')
  })

  test('the timestamp of another signature', async () => {
    const bytes = changed(good, json =>
      Object.assign(material(json), {
        timestampVerificationData: material(jsonOf(another)).timestampVerificationData,
      }),
    )
    expect(await code(bytes)).toBe('sigstore/timestamp-invalid')
  })

  test('a log that the trust root does not know', async () => {
    const bytes = await forge(bench, { rekorUrl: other.stack.rekorV1.url })
    expect(await code(bytes)).toBe('sigstore/log-unknown')
  })

  test('a timestamp authority that the trust root does not know', async () => {
    const bytes = await forge(bench, { tsaUrl: other.stack.timestamp.endpoint })
    expect(await code(bytes)).toBe('sigstore/timestamp-invalid')
  })

  test('13-adversary 29: a certificate of another root, also when everything else is known', async () => {
    const mixed = rootWith(bench, { certificateAuthorities: other.stack.trustedRoot.certificateAuthorities })
    expect(await code(good, {}, mixed)).toBe('sigstore/certificate-untrusted')
    expect(await code(good, {}, other.trust)).toBe('sigstore/log-unknown')
  })

  test('a certificate that is not in a certificate log', async () => {
    const bytes = await forge(bench, { sct: false })
    expect(await code(bytes)).toBe('sigstore/sct-missing')
    expect(await code(bytes, { scts: 0 })).toBeUndefined()
  })

  test('a certificate log promise of an unknown log', async () => {
    const mixed = rootWith(bench, { ctlogs: other.stack.trustedRoot.ctlogs })
    expect(await code(good, {}, mixed)).toBe('sigstore/sct-invalid')
  })

  test('a signature made after the certificate ended', async () => {
    // Our own sessions refuse to make one.
    const bytes = await forge(bench, { notBefore: new Date(Date.now() - 20 * 60_000) })
    expect(await code(bytes)).toBe('sigstore/certificate-expired')
  })

  test('13-adversary 22: a payload that is not an in-toto statement by type', async () => {
    expect(await code(await forge(bench, { payloadType: 'application/x' }))).toBe('sigstore/payload-type')
  })

  test.each([
    [
      'of another type',
      JSON.stringify({ _type: 'https://in-toto.io/Statement/v0.2', subject: [] }),
      'statements/type-unsupported',
    ],
    [
      'of the older type with a provenance that asks for the newer one',
      olderStatement('https://slsa.dev/provenance/v1'),
      'statements/type-unsupported',
    ],
    [
      'of the older type with a summary',
      olderStatement('https://slsa.dev/verification_summary/v1'),
      'statements/type-unsupported',
    ],
    ['of the older type without subjects', olderStatement('https://a.example/b', []), 'statements/malformed'],
    ['that is not JSON', 'DSSEv1 1 a 1 b', 'statements/malformed'],
  ])('13-adversary 22: a payload %s, though it is signed and logged', async (_, payload, expected) => {
    expect(await code(await forge(bench, { payload: Buffer.from(payload) }))).toBe(expected)
  })

  test('nothing of a statement of the older type that cosign attest writes, but keeps its type visible', async () => {
    const payload = Buffer.from(olderStatement('https://cyclonedx.org/bom'))
    const verified = verifyBundle(await forge(bench, { payload }), bench.trust)
    expect(verified.statement).toMatchObject({
      type: 'https://in-toto.io/Statement/v0.1',
      predicateType: 'https://cyclonedx.org/bom',
      subject: [{ digest: { sha256: 'ab'.repeat(32) } }],
    })
  })

  test('a time that nobody signed: an entry without promise, no timestamp', async () => {
    const bytes = changed(good, json => {
      delete material(json).timestampVerificationData
      delete entry(json).inclusionPromise
    })
    expect(await code(bytes)).toBe('sigstore/time-missing')
    expect(await code(bytes, { timestamps: 0 })).toBe('sigstore/time-missing')
  })

  test('an index beside the proof that nobody signed', async () => {
    const bytes = changed(ofV2, json => Object.assign(entry(json), { logIndex: '42' }))
    expect(await code(bytes, {}, second.trust)).toBe('sigstore/log-entry-invalid')
  })

  test.each<readonly [string, (json: Mutable) => void]>([
    ['another index under the promise', json => Object.assign(entry(json), { logIndex: '42' })],
    [
      'another time under the promise',
      json => Object.assign(entry(json), { integratedTime: String(Number(entry(json).integratedTime) + 1) }),
    ],
    ['the same entry twice', json => void listAt(json, 'verificationMaterial', 'tlogEntries').push(entry(json))],
    ['another kind', json => Object.assign(entry(json), { kindVersion: { kind: 'intoto', version: '0.0.2' } })],
    ['a body that is not JSON', json => Object.assign(entry(json), { canonicalizedBody: 'AAAA' })],
    [
      'a checkpoint without signatures',
      json => Object.assign(at(entry(json), 'inclusionProof', 'checkpoint'), { envelope: 'a\n1\nAAAA\n\n' }),
    ],
    [
      'a checkpoint that is no note',
      json => Object.assign(at(entry(json), 'inclusionProof', 'checkpoint'), { envelope: 'x' }),
    ],
    ['a proof with another hash', json => Object.assign(at(entry(json), 'inclusionProof'), { hashes: ['AAAA'] })],
  ])('a log entry with %s', async (_, change) => {
    expect(await code(changed(good, change))).toBe('sigstore/log-entry-invalid')
  })

  test('a log whose key has no start of validity, and so would count for all of the past', async () => {
    const tlogs = structuredClone(bench.stack.trustedRoot.tlogs) as unknown[]
    delete at(tlogs, 0, 'publicKey', 'validFor').start
    const root = rootWith(bench, { tlogs })
    expect(root.unusable.join()).toContain('from when its key is valid')
    expect(await code(good, {}, root)).toBe('sigstore/log-unknown')
    const ctlogs = structuredClone(bench.stack.trustedRoot.ctlogs) as unknown[]
    delete at(ctlogs, 0, 'publicKey').validFor
    expect(await code(good, {}, rootWith(bench, { ctlogs }))).toBe('sigstore/sct-invalid')
  })

  test.each(['ctlogs', 'certificateAuthorities', 'timestampAuthorities'] as const)(
    'one of the %s outside its time of use, of which both ends belong to it',
    async list => {
      const { signedAt } = verifyBundle(good, bench.trust)
      const { notBefore } = verifyBundle(good, bench.trust).signer as { notBefore: Date }
      const within = (start: Date, end: Date) => {
        const services = structuredClone(bench.stack.trustedRoot[list]) as unknown[]
        const validFor = { start: start.toISOString(), end: end.toISOString() }
        for (const service of services)
          Object.assign(list === 'ctlogs' ? at(service, 'publicKey') : at(service), { validFor })
        return rootWith(bench, { [list]: services })
      }
      const [before, after] = [
        new Date(Math.min(+notBefore, Number(signedAt)) - 60_000),
        new Date(Number(signedAt) + 60_000),
      ]
      expect(await code(good, {}, within(before, after))).toBeUndefined()
      expect(await code(good, {}, within(new Date(0), before))).toMatch(/^sigstore\/(sct|certificate|timestamp)/)
      expect(await code(good, {}, within(after, new Date(+after + 60_000)))).toMatch(
        /^sigstore\/(sct|certificate|timestamp)/,
      )
    },
  )

  test('a log outside its time of use', async () => {
    const [log, ...rest] = structuredClone(bench.stack.trustedRoot.tlogs) as unknown[]
    Object.assign(at(log, 'publicKey'), {
      validFor: { start: '2020-01-01T00:00:00Z', end: '2021-01-01T00:00:00Z' },
    })
    expect(await code(good, {}, rootWith(bench, { tlogs: [log, ...rest] }))).toBe('sigstore/log-entry-invalid')
  })

  test.each([
    [{ logs: 2 }, 'sigstore/log-missing'],
    [{ timestamps: 3 }, 'sigstore/time-missing'],
    [{ scts: 2 }, 'sigstore/sct-missing'],
  ] as const)('a bundle with fewer witnesses than %j', async (need, expected) => {
    expect(await code(good, need)).toBe(expected)
  })

  test('a log whose promised time is outside its time of use, though a timestamp is inside', async () => {
    const { integratedTime } = entry(jsonOf(good) as Mutable)
    const end = new Date((Number(integratedTime) + 5) * 1000)
    const [log, ...rest] = structuredClone(bench.stack.trustedRoot.tlogs) as unknown[]
    Object.assign(at(log, 'publicKey'), { validFor: { start: '2020-01-01T00:00:00Z', end: end.toISOString() } })
    bench.stack.rekorV1.clockOffsetMs = 60_000
    const late = await forge(bench)
    bench.stack.rekorV1.clockOffsetMs = 0
    expect(await code(late)).toBeUndefined()
    expect(await code(late, {}, rootWith(bench, { tlogs: [log, ...rest] }))).toBe('sigstore/log-entry-invalid')
  })

  test('two timestamps of one authority where two services are asked for', async () => {
    const { signature } = partsOfGood()
    const stamp = await requestTimestamp({ http: bench.http }, bench.stack.timestamp.endpoint, signature)
    const bytes = changed(good, json => {
      Object.assign(material(json), { tlogEntries: [] })
      const stamps = listAt(json, 'verificationMaterial', 'timestampVerificationData', 'rfc3161Timestamps')
      stamps.push({ signedTimestamp: stamp.der.toString('base64') })
    })
    expect(await code(bytes, { logs: 0, timestamps: 2 })).toBe('sigstore/time-missing')
  })

  test('two authorities count as two, and each that is there must be known', async () => {
    const { signature } = partsOfGood()
    const stamp = await requestTimestamp({ http: bench.http }, other.stack.timestamp.endpoint, signature)
    const bytes = changed(good, json => {
      Object.assign(material(json), { tlogEntries: [] })
      const stamps = listAt(json, 'verificationMaterial', 'timestampVerificationData', 'rfc3161Timestamps')
      stamps.push({ signedTimestamp: stamp.der.toString('base64') })
    })
    const [one, two] = [bench, other].map(b => b.stack.trustedRoot.timestampAuthorities as unknown[])
    const both = rootWith(bench, { timestampAuthorities: [...(one ?? []), ...(two ?? [])] })
    expect(await code(bytes, { logs: 0, timestamps: 2 }, both)).toBeUndefined()
    expect(await code(bytes, { logs: 0, timestamps: 3 }, both)).toBe('sigstore/time-missing')
    expect(await code(bytes, { logs: 0 }, bench.trust)).toBe('sigstore/timestamp-invalid')
  })

  test.each([
    ['zeros', 'AAAA'],
    ['an empty sequence', 'MAA='],
    ['a refusal', 'MAUwAwIBAg=='],
  ])('a timestamp that is %s', async (_, signedTimestamp) => {
    const bytes = changed(good, json =>
      Object.assign(material(json), { timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp }] } }),
    )
    expect(await code(bytes)).toBe('sigstore/timestamp-invalid')
  })

  test.each<readonly [string, (honest: Record<string, Buffer>) => readonly Buffer[]]>([
    ['an unknown critical extension', e => [...Object.values(e), extension('1.2.3.4', Buffer.from([5, 0]), true)]],
    ['the rights of an authority', e => [...Object.values(e), basicConstraintsAuthority(0)]],
    ['no code-signing purpose', ({ purpose: _, ...e }) => Object.values(e)],
    ['no subject', ({ san: _, ...e }) => Object.values(e)],
    ['no issuer', ({ issuer: _, ...e }) => Object.values(e)],
    [
      'two issuers',
      e => [...Object.values(e), extension('1.3.6.1.4.1.57264.1.1', Buffer.from('https://other.example'))],
    ],
  ])('a trusted certificate with %s', async (_, extensions) => {
    expect(await code(await forge(bench, { extensions }))).toBe('sigstore/certificate-malformed')
  })
})

function partsOfGood(): { signature: Uint8Array } {
  return { signature: Buffer.from(at(jsonOf(good), 'dsseEnvelope', 'signatures', 0).sig as string, 'base64') }
}

describe('verifyBundle() of a statement that could exhaust or confuse a reader', () => {
  const of = async (change: object) => {
    const plain = {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ digest: { sha256: 'ab'.repeat(32) } }],
      predicateType: 'https://a.example/b',
      predicate: {},
    }
    return code(await forge(bench, { payload: Buffer.from(JSON.stringify({ ...plain, ...change })) }))
  }
  const many = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ name: String(i), digest: { sha256: i.toString(16).padStart(64, '0') } }))

  test.each<readonly [string, object]>([
    ['no subjects', { subject: [] }],
    ['the same subject twice', { subject: [...many(1), ...many(1)] }],
    ['one subject more than are read', { subject: many(LIMITS.statementSubjects + 1) }],
    ['a subject without a digest', { subject: [{ name: 'a' }] }],
    ['a digest of an unknown algorithm alone', { subject: [{ digest: { crc32: 'abcd' } }] }],
  ])('refuses %s', async (_, change) => {
    expect(await of(change)).toBe('statements/malformed')
  })

  test.each([
    ['sha1', 40, 'statements/malformed'],
    ['sha256', 64, 'sigstore/bundle-malformed'],
  ])('refuses 100,000 subjects by %s, as too many or already as too large', async (algorithm, digits, expected) => {
    const subject = Array.from({ length: 100_000 }, (_, i) => ({
      digest: { [algorithm]: i.toString(16).padStart(digits, '0') },
    }))
    const payload = Buffer.from(
      JSON.stringify({
        _type: 'https://in-toto.io/Statement/v1',
        subject,
        predicateType: 'https://a.example/b',
        predicate: {},
      }),
    )
    const signed = preAuthEncoding({ payloadType: IN_TOTO_PAYLOAD_TYPE, payload })
    const signing = signBytes(bench, signed, await p256())
    const entries = [logged(bench, hashedBody(signing, signed))]
    expect(
      await code(bundleJson({ signing, content: envelopeOf(signing, payload, IN_TOTO_PAYLOAD_TYPE), entries })),
    ).toBe(expected)
  })

  test('reads a statement whose only digest is SHA-1, which is about no file and no image', async () => {
    const payload = { subject: [{ digest: { sha1: 'a'.repeat(40) } }] }
    expect(await of(payload)).toBeUndefined()
  })

  test('refuses a bundle around a predicate of 10 MB before anything of it is read', async () => {
    const predicate = { text: 'a'.repeat(10 * 1024 * 1024) }
    const payload = Buffer.from(JSON.stringify({ predicate })).toString('base64')
    const bytes = changed(good, json => Object.assign(at(json, 'dsseEnvelope'), { payload }))
    expect(await code(bytes)).toBe('sigstore/bundle-malformed')
  })
})

describe('verifyBundle() of older bundles', () => {
  const v01 = 'application/vnd.dev.sigstore.bundle+json;version=0.1'
  const v02 = 'application/vnd.dev.sigstore.bundle+json;version=0.2'

  test.each<readonly [string, string, (json: Mutable) => void, string | undefined]>([
    ['v0.1 with promise and proof', v01, () => {}, undefined],
    ['v0.1 with a promise alone', v01, json => void delete entry(json).inclusionProof, undefined],
    ['v0.1 with a proof alone', v01, json => void delete entry(json).inclusionPromise, 'sigstore/bundle-malformed'],
    [
      'v0.1 with a proof without a checkpoint, which counts as none',
      v01,
      json => void delete at(entry(json), 'inclusionProof').checkpoint,
      undefined,
    ],
    [
      'v0.1 with a wrong proof',
      v01,
      json => Object.assign(at(entry(json), 'inclusionProof'), { hashes: ['AAAA'] }),
      'sigstore/log-entry-invalid',
    ],
    [
      'v0.2 with a proof alone',
      v02,
      json => {
        delete entry(json).inclusionPromise
        // Of a log in shards the index beside the proof is only promised.
        Object.assign(entry(json), { logIndex: at(entry(json), 'inclusionProof').logIndex })
      },
      undefined,
    ],
    ['v0.2 with a promise alone', v02, json => void delete entry(json).inclusionProof, 'sigstore/bundle-malformed'],
    [
      'v0.2 with a proof without a checkpoint',
      v02,
      json => void delete at(entry(json), 'inclusionProof').checkpoint,
      'sigstore/bundle-malformed',
    ],
  ])('judges %s', async (_, mediaType, change, expected) => {
    const bytes = changed(good, json => {
      Object.assign(json, { mediaType })
      change(json)
    })
    expect(await code(bytes)).toBe(expected)
  })

  test.each([v01, v02])('reads the leaf of a chain (%s), whatever follows it', async mediaType => {
    const chain = (...more: readonly Uint8Array[]) =>
      changed(good, json => {
        const { certificate, ...rest } = material(json)
        const certificates = [certificate, ...more.map(der => ({ rawBytes: Buffer.from(der).toString('base64') }))]
        Object.assign(json, { mediaType, verificationMaterial: { ...rest, x509CertificateChain: { certificates } } })
      })
    const ours = bench.stack.fulcio.intermediate.certificate
    const theirs = other.stack.fulcio.intermediate.certificate
    for (const bytes of [chain(), chain(ours), chain(theirs), chain(Buffer.from('no certificate'))])
      expect(await code(bytes)).toBeUndefined()
    expect(await code(chain(bench.stack.fulcio.root.certificate))).toBe('sigstore/bundle-malformed')
  })
})

describe('verifyBundle() of a bundle signed with a key', () => {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = (key: typeof keys.publicKey) => key.export({ format: 'pem', type: 'spki' }).toString()
  let keyed: Uint8Array
  beforeAll(async () => {
    const payload = statement()
    const signature = sign('sha256', preAuthEncoding({ payloadType: IN_TOTO_PAYLOAD_TYPE, payload }), keys.privateKey)
    const stamp = await requestTimestamp({ http: bench.http }, bench.stack.timestamp.endpoint, signature)
    const bundle = toDSSEBundle({
      artifact: Buffer.from(payload),
      artifactType: IN_TOTO_PAYLOAD_TYPE,
      signature,
      keyHint: 'x',
    })
    bundle.verificationMaterial.timestampVerificationData = { rfc3161Timestamps: [{ signedTimestamp: stamp.der }] }
    keyed = serialiseBundle(bundle)
  })

  test('names the key by its fingerprint, whatever the hint says', () => {
    const given = [{ publicKey: pem(stranger.publicKey) }, { publicKey: pem(keys.publicKey) }]
    const spki = keys.publicKey.export({ format: 'der', type: 'spki' })
    expect(verifyBundle(keyed, bench.trust, { logs: 0, keys: given }).signer).toEqual({
      kind: 'key',
      fingerprint: sha256(spki).slice('sha256:'.length),
    })
  })

  test.each([
    ['no key is given', undefined],
    ['another key is given', [{ publicKey: pem(stranger.publicKey) }]],
    ['a key that is none', [{ publicKey: 'nonsense' }]],
  ])('refuses when %s', async (_, given) => {
    expect(await code(keyed, { logs: 0, ...(given === undefined ? {} : { keys: given }) })).toBe('sigstore/key-unknown')
  })

  test('refuses a key outside its validity', async () => {
    const given = [{ publicKey: pem(keys.publicKey), validFor: { end: new Date(0) } }]
    expect(await code(keyed, { logs: 0, keys: given })).toBe('sigstore/certificate-expired')
  })

  test('never counts a certificate’s bundle as one of a key', async () => {
    expect(verifyBundle(good, bench.trust, { keys: [{ publicKey: pem(keys.publicKey) }] }).signer.kind).toBe(
      'certificate',
    )
  })
})

/** What may not differ when a bundle that was tampered with still verifies. */
function essence(bytes: Uint8Array): object {
  const { statement: signed, signer } = verifyBundle(bytes, bench.trust)
  return { signed, signer }
}

describe('every change', () => {
  const without = (bytes: Uint8Array, trust = bench.trust) => {
    const { bundle: _, ...rest } = verifyBundle(bytes, trust)
    return JSON.stringify(rest)
  }

  test.each(['v1', 'v2'])(
    'of one byte of a bundle (%s) fails with a typed error or changes nothing of what is verified',
    version => {
      const [bytes, trust] = version === 'v1' ? [good, bench.trust] : [ofV2, second.trust]
      const baseline = without(bytes, trust)
      let refused = 0
      fc.assert(
        fc.property(fc.nat(bytes.byteLength - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
          const copy = Uint8Array.from(bytes)
          copy[at] = (copy[at] ?? 0) ^ flip
          try {
            expect(without(copy, trust)).toBe(baseline)
          } catch (error) {
            if (!(error instanceof WaybillError)) throw error
            refused++
          }
        }),
        { numRuns: 150 },
      )
      expect(refused).toBeGreaterThan(100)
    },
    60_000,
  )

  test('of one base64 digit of a signed part is refused', async () => {
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
    const text = Buffer.from(good).toString()
    const parts = [...text.matchAll(/"(payload|sig|canonicalizedBody|signedEntryTimestamp)":"([^"]+)"/g)]
    expect(parts).toHaveLength(4)
    for (const part of parts) {
      const length = part[2]?.length ?? 0
      for (let i = 0; i < length; i += Math.ceil(length / 12)) {
        const at = part.index + (part[1]?.length ?? 0) + 4 + i
        const old = digits.indexOf(text[at] ?? '')
        if (old < 0) continue
        const copy = text.slice(0, at) + digits[(old + 1) % 64] + text.slice(at + 1)
        const error = await errorOf(() => verifyBundle(Buffer.from(copy), bench.trust))
        expect(error?.kind).toBe('rejected')
      }
    }
  }, 60_000)

  test('of the structure, given any mutilated field, is refused with a typed error', async () => {
    const json = jsonOf(good)
    const baseline = essence(good)
    const paths: string[][] = []
    const walk = (value: unknown, path: string[]): void => {
      paths.push(path)
      if (typeof value === 'object' && value !== null)
        for (const [key, item] of Object.entries(value)) walk(item, [...path, key])
    }
    walk(json, [])
    for (const path of paths.slice(1)) {
      for (const substitute of [undefined, null, 'AAAA', 7, [], {}]) {
        const bytes = changed(good, copy => {
          Object.assign(at(copy, ...path.slice(0, -1)), { [path.at(-1) ?? '']: substitute })
        })
        try {
          expect(essence(bytes)).toEqual(baseline)
        } catch (error) {
          if (!(error instanceof WaybillError)) throw error
        }
      }
    }
  }, 60_000)
})
