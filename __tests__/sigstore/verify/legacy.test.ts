import fc from 'fast-check'
import { sha256 } from '../../../src/core/digest.ts'
import { WaybillError } from '../../../src/core/error.ts'
import type { LegacySignature } from '../../../src/sigstore/verify/legacy.ts'
import { preAuthEncoding } from '../../../src/sigstore/verify/log-entry.ts'
import { type VerificationNeed, verifyLegacy } from '../../../src/sigstore/verify/verify.ts'
import { IN_TOTO_PAYLOAD_TYPE } from '../../../src/statements/statement.ts'
import { toPem } from '../../fakes/certificate.ts'
import { type KeyPair, p256 } from '../../fakes/keys.ts'
import { hashedBody, logged, type Signing, signBytes, stamped, verifierOf } from '../messages.ts'
import { type Bench, codeOf, errorOf, openBench, statement } from '../support.ts'

const SIGNATURE = 'dev.cosignproject.cosign/signature'
const CERTIFICATE = 'dev.sigstore.cosign/certificate'
const CHAIN = 'dev.sigstore.cosign/chain'
const BUNDLE = 'dev.sigstore.cosign/bundle'
const TIMESTAMP = 'dev.sigstore.cosign/rfc3161timestamp'
const image = `sha256:${'ab'.repeat(32)}`

let bench: Bench
let other: Bench
let keys: KeyPair
let stranger: KeyPair
beforeAll(async () => {
  ;[bench, other, keys, stranger] = await Promise.all([openBench(), openBench(), p256(), p256()])
})
afterAll(() => Promise.all([bench, other].map(b => b.close())))

type Payload = Record<string, unknown>
const simple = (change: (json: Payload) => unknown = () => {}): Buffer => {
  const json = {
    critical: {
      identity: { 'docker-reference': 'registry.example/acme/app' },
      image: { 'docker-manifest-digest': image },
      type: 'cosign container image signature',
    },
    optional: null,
  }
  change(json)
  return Buffer.from(JSON.stringify(json))
}
const b64 = (bytes: Uint8Array | string) => Buffer.from(bytes as Uint8Array).toString('base64')

/** What cosign writes for an entry: the log's promise without a proof. */
function bundleOf(body: object, on = bench): string {
  const entry = logged(on, body) as unknown as Entry
  return JSON.stringify({
    SignedEntryTimestamp: entry.inclusionPromise.signedEntryTimestamp,
    Payload: {
      body: entry.canonicalizedBody,
      integratedTime: Number(entry.integratedTime),
      logIndex: Number(entry.logIndex),
      logID: Buffer.from(entry.logId.keyId, 'base64').toString('hex'),
    },
  })
}
interface Envelope {
  readonly signatures: readonly [{ readonly sig: string }]
}
interface Entry {
  readonly logIndex: string
  readonly logId: { readonly keyId: string }
  readonly integratedTime: string
  readonly inclusionPromise: { readonly signedEntryTimestamp: string }
  readonly canonicalizedBody: string
}

function sig(payload: Buffer, signing: Signing, annotations: Record<string, string> = {}): LegacySignature {
  const { certificate, signature } = signing
  return {
    form: 'signature',
    payload,
    annotations: {
      [SIGNATURE]: b64(signature),
      ...(certificate === undefined ? {} : { [CERTIFICATE]: toPem(certificate), [CHAIN]: 'whatever' }),
      [BUNDLE]: bundleOf(hashedBody(signing, payload)),
      ...annotations,
    },
  }
}
const keyless = (payload = simple(), annotations: Record<string, string> = {}) =>
  sig(payload, signBytes(bench, payload, keys), annotations)
const without = (legacy: LegacySignature, ...names: readonly string[]): LegacySignature => ({
  ...legacy,
  annotations: Object.fromEntries(Object.entries(legacy.annotations).filter(([name]) => !names.includes(name))),
})

/** An attestation, logged as one of the kinds that cosign used. */
function att(kind: string, payload: Uint8Array = statement(), payloadType = IN_TOTO_PAYLOAD_TYPE): LegacySignature {
  const signing = signBytes(bench, preAuthEncoding({ payloadType, payload }), keys)
  const text = Buffer.from(
    JSON.stringify({ payloadType, payload: b64(payload), signatures: [{ keyid: '', sig: b64(signing.signature) }] }),
  )
  const certificate = toPem(signing.certificate ?? Buffer.alloc(0))
  const body = ATTESTED[kind]?.(signing, payload, text) ?? {}
  return {
    form: 'attestation',
    payload: text,
    annotations: { [SIGNATURE]: '', [CERTIFICATE]: certificate, [BUNDLE]: bundleOf(body) },
  }
}
const hex = (bytes: Uint8Array) => ({ algorithm: 'sha256', value: sha256(bytes).slice('sha256:'.length) })
const ATTESTED: Record<string, (signing: Signing, payload: Uint8Array, text: Uint8Array) => object> = {
  'intoto 0.0.1': (signing, payload, text) => ({
    apiVersion: '0.0.1',
    kind: 'intoto',
    spec: { content: { hash: hex(text), payloadHash: hex(payload) }, publicKey: verifierOf(signing) },
  }),
  'intoto 0.0.1 without the payload’s hash': (signing, _, text) => ({
    apiVersion: '0.0.1',
    kind: 'intoto',
    spec: { content: { hash: hex(text) }, publicKey: verifierOf(signing) },
  }),
  'intoto 0.0.2': (signing, payload) => ({
    apiVersion: '0.0.2',
    kind: 'intoto',
    spec: {
      content: {
        payloadHash: hex(payload),
        envelope: { signatures: [{ sig: b64(b64(signing.signature)), publicKey: verifierOf(signing) }] },
      },
    },
  }),
  'dsse 0.0.1': (signing, payload, text) => ({
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: {
      envelopeHash: hex(text),
      payloadHash: hex(payload),
      signatures: [{ signature: b64(signing.signature), verifier: verifierOf(signing) }],
    },
  }),
}

const code = (legacy: LegacySignature, need?: VerificationNeed, trust = bench.trust) =>
  codeOf(() => verifyLegacy(legacy, trust, need))
const pem = (pair: KeyPair) => pair.publicKey.export({ format: 'pem', type: 'spki' }).toString()

describe('verifyLegacy() of a signature', () => {
  test('gives a statement about exactly the digest in its payload', () => {
    const legacy = keyless()
    const verified = verifyLegacy(legacy, bench.trust)
    expect(verified).toMatchObject({
      form: 'simple-signing',
      statement: { predicateType: 'cosign container image signature', predicate: {} },
      signer: { kind: 'certificate' },
      timeSources: ['rekor-v1'],
      payload: sha256(legacy.payload),
    })
    expect(verified.statement.subject).toEqual([{ digest: { sha256: 'ab'.repeat(32) } }])
    expect(verified.log?.url).toBe(bench.stack.rekorV1.url)
  })

  test('ignores what the signer says freely, and a missing reference', async () => {
    const payload = simple(json =>
      Object.assign(json, { optional: { 'docker-manifest-digest': 'sha256:x', creator: 1 } }),
    )
    expect(await code(keyless(payload))).toBeUndefined()
    expect(await code(keyless(simple(json => delete (json.critical as Payload).identity)))).toBeUndefined()
  })

  test('takes a timestamp beside the log, and alone where the rule asks for no log', async () => {
    const payload = simple()
    const signing = signBytes(bench, payload, keys)
    const stamp = JSON.stringify({ SignedRFC3161Timestamp: await stamped(bench, signing.signature) })
    const both = sig(payload, signing, { [TIMESTAMP]: stamp })
    expect(verifyLegacy(both, bench.trust, { timestamps: 2 }).timeSources).toEqual(['rekor-v1', 'rfc3161'])
    expect(await code(without(both, BUNDLE))).toBe('sigstore/log-missing')
    expect(await code(without(both, BUNDLE), { logs: 0 })).toBeUndefined()
    expect(await code(without(both, BUNDLE, TIMESTAMP), { logs: 0 })).toBe('sigstore/time-missing')
  })

  test('knows a key by itself, and needs a trusted time of it as of everybody', async () => {
    const payload = simple()
    const legacy = sig(payload, signBytes(bench, payload, keys, { keyed: true }))
    const need = { keys: [{ publicKey: pem(stranger) }, { publicKey: pem(keys) }] }
    expect(verifyLegacy(legacy, bench.trust, need).signer.kind).toBe('key')
    expect(await code(legacy)).toBe('sigstore/key-unknown')
    expect(await code(legacy, { keys: need.keys.slice(0, 1) })).toBe('sigstore/key-unknown')
    expect(await code(without(legacy, BUNDLE), need)).toBe('sigstore/log-missing')
    expect(await code(without(legacy, BUNDLE), { ...need, logs: 0 })).toBe('sigstore/time-missing')
    const ended = { keys: [{ publicKey: pem(keys), validFor: { end: new Date(0) } }] }
    expect(await code(legacy, ended)).toBe('sigstore/certificate-expired')
  })
})

describe('verifyLegacy() of a signature refuses', () => {
  test.each<readonly [string, (json: Payload) => unknown]>([
    ['another type', json => Object.assign(json.critical as Payload, { type: 'atomic container signature' })],
    [
      'a type in another case',
      json => Object.assign(json.critical as Payload, { type: 'Cosign container image signature' }),
    ],
    ['no type', json => delete (json.critical as Payload).type],
    ['no image', json => delete (json.critical as Payload).image],
    ['no digest', json => Object.assign(json.critical as Payload, { image: {} })],
    [
      'a digest of another algorithm',
      json =>
        Object.assign(json.critical as Payload, { image: { 'docker-manifest-digest': `sha512:${'a'.repeat(128)}` } }),
    ],
    [
      'a digest in upper case',
      json => Object.assign(json.critical as Payload, { image: { 'docker-manifest-digest': image.toUpperCase() } }),
    ],
    ['another field that counts', json => Object.assign(json.critical as Payload, { expires: 1 })],
    [
      'another field of the image',
      json => Object.assign((json.critical as { image: Payload }).image, { digest: image }),
    ],
    ['another identity', json => Object.assign(json.critical as Payload, { identity: { name: 'a' } })],
    ['another part', json => Object.assign(json, { Critical: {} })],
    ['nothing that counts', json => delete json.critical],
  ])('a payload with %s, though it is signed and logged', async (_, change) => {
    expect(await code(keyless(simple(change)))).toBe('sigstore/legacy-malformed')
  })

  test.each([
    [
      'a duplicate key',
      simple().toString().replace('"image":', '"image":{"docker-manifest-digest":"sha256:x"},"image":'),
    ],
    ['no JSON', 'x'],
    ['a statement', Buffer.from(statement()).toString()],
    ['too many bytes', ' '.repeat(300_000)],
  ])('a payload that is %s', async (_, text) => {
    expect(await code(keyless(Buffer.from(text)))).toBe('sigstore/legacy-malformed')
  })

  test.each<readonly [string, string, string]>([
    ['no signature', SIGNATURE, ''],
    ['a signature in base64url', SIGNATURE, '_-8'],
    ['a certificate that is none', CERTIFICATE, 'x'],
    ['a certificate in text', CERTIFICATE, `a\n${toPem(Buffer.from('a'))}`],
    ['a PEM block that holds no certificate', CERTIFICATE, toPem(Buffer.from('a'))],
    ['a bundle that is no JSON', BUNDLE, 'x'],
    ['an empty bundle', BUNDLE, '{}'],
    ['a bundle with another field', BUNDLE, '{"SignedEntryTimestamp":"","Payload":{},"x":1}'],
    ['a timestamp that is no JSON', TIMESTAMP, 'x'],
    ['a timestamp of another shape', TIMESTAMP, '{"a":"AAAA"}'],
    ['a long annotation', CHAIN.replace('chain', 'certificate'), 'a'.repeat(300_000)],
  ])('annotations with %s', async (_, name, value) => {
    expect(await code({ ...keyless(), annotations: { ...keyless().annotations, [name]: value } })).toBe(
      'sigstore/legacy-malformed',
    )
  })

  test('two certificates, of which one program takes the first and another the last', async () => {
    const legacy = keyless()
    const twice = `${legacy.annotations[CERTIFICATE]}${toPem(signBytes(bench, simple(), stranger).certificate ?? Buffer.alloc(0))}`
    expect(await code({ ...legacy, annotations: { ...legacy.annotations, [CERTIFICATE]: twice } })).toBe(
      'sigstore/legacy-malformed',
    )
  })

  test('a payload, a certificate, an entry or a promise of another signature', async () => {
    const legacy = keyless()
    const elsewhere = keyless(simple(json => Object.assign(json, { optional: { a: 1 } })))
    const mixed = (name: string, from = elsewhere) => ({
      ...legacy,
      annotations: { ...legacy.annotations, [name]: from.annotations[name] ?? '' },
    })
    expect(await code({ ...legacy, payload: elsewhere.payload })).toBe('sigstore/signature-invalid')
    expect(await code(mixed(SIGNATURE))).toBe('sigstore/signature-invalid')
    expect(await code(mixed(BUNDLE))).toBe('sigstore/log-entry-invalid')
    const foreign = signBytes(bench, legacy.payload, stranger).certificate ?? Buffer.alloc(0)
    expect(await code({ ...legacy, annotations: { ...legacy.annotations, [CERTIFICATE]: toPem(foreign) } })).toBe(
      'sigstore/signature-invalid',
    )
    const late = JSON.parse(legacy.annotations[BUNDLE] ?? '') as { Payload: { integratedTime: number } }
    late.Payload.integratedTime += 1
    expect(await code({ ...legacy, annotations: { ...legacy.annotations, [BUNDLE]: JSON.stringify(late) } })).toBe(
      'sigstore/log-entry-invalid',
    )
  })

  test('13-adversary 29: services of another root', async () => {
    const payload = simple()
    const signing = signBytes(bench, payload, keys)
    const foreign = sig(payload, signing, { [BUNDLE]: bundleOf(hashedBody(signing, payload), other) })
    expect(await code(foreign)).toBe('sigstore/log-unknown')
    expect(await code(keyless(), {}, other.trust)).toBe('sigstore/log-unknown')
  })
})

describe('verifyLegacy() of an attestation', () => {
  test('takes a timestamp over the text of the envelope, and none over anything else', async () => {
    const legacy = att('dsse 0.0.1')
    const { signatures } = JSON.parse(Buffer.from(legacy.payload).toString('utf8')) as Envelope
    const over = async (bytes: Uint8Array) => {
      const stamp = JSON.stringify({ SignedRFC3161Timestamp: await stamped(bench, bytes) })
      return { ...legacy, annotations: { ...legacy.annotations, [TIMESTAMP]: stamp } }
    }
    const both = verifyLegacy(await over(legacy.payload), bench.trust, { timestamps: 2 })
    expect(both.timeSources).toEqual(['rekor-v1', 'rfc3161'])
    const signature = Buffer.from(signatures[0].sig, 'base64')
    expect(await code(await over(signature))).toBe('sigstore/timestamp-invalid')
  })

  test.each(Object.keys(ATTESTED))('gives the statement in its envelope, logged as %s', kind => {
    const verified = verifyLegacy(att(kind), bench.trust)
    expect(verified.form).toBeUndefined()
    expect(verified.statement.predicate).toEqual({ name: 'a' })
    expect(verified.payload).toBe(sha256(statement()))
  })

  test('reads a statement of the older type, which is what cosign wrote', () => {
    const older = Buffer.from(Buffer.from(statement()).toString().replace('Statement/v1', 'Statement/v0.1'))
    expect(verifyLegacy(att('dsse 0.0.1', older), bench.trust).statement.type).toBe('https://in-toto.io/Statement/v0.1')
  })

  test.each<readonly [string, () => LegacySignature, string]>([
    ['another payload type', () => att('dsse 0.0.1', statement(), 'application/x'), 'sigstore/payload-type'],
    ['no statement', () => att('dsse 0.0.1', Buffer.from('{}')), 'statements/type-unsupported'],
    [
      'the entry of another envelope',
      () => ({
        ...att('dsse 0.0.1'),
        annotations: {
          ...att('dsse 0.0.1').annotations,
          [BUNDLE]: att('dsse 0.0.1', statement('b')).annotations[BUNDLE] ?? '',
        },
      }),
      'sigstore/log-entry-invalid',
    ],
    [
      'an envelope called a signature',
      () => ({ ...att('dsse 0.0.1'), form: 'signature' as const }),
      'sigstore/legacy-malformed',
    ],
    [
      'a signature called an attestation',
      () => ({ ...keyless(), form: 'attestation' as const }),
      'sigstore/legacy-malformed',
    ],
    [
      'two signatures',
      () => changedEnvelope(json => json.signatures.push(json.signatures[0])),
      'sigstore/legacy-malformed',
    ],
    ['an unknown field', () => changedEnvelope(json => Object.assign(json, { extra: 1 })), 'sigstore/legacy-malformed'],
    ['another text than the one that was logged', () => changedEnvelope(() => {}, ' '), 'sigstore/log-entry-invalid'],
  ])('refuses %s', async (_, make, expected) => {
    expect(await code(make())).toBe(expected)
  })

  test('refuses an entry of a kind that logs plain signatures of something else', async () => {
    const legacy = att('dsse 0.0.1')
    const signing = signBytes(bench, simple(), keys)
    const annotations = { ...legacy.annotations, [BUNDLE]: bundleOf(hashedBody(signing, simple())) }
    expect(await code({ ...legacy, annotations })).toBe('sigstore/log-entry-invalid')
  })
})

function changedEnvelope(change: (json: { signatures: unknown[] }) => unknown, after = ''): LegacySignature {
  const legacy = att('dsse 0.0.1')
  const json = JSON.parse(Buffer.from(legacy.payload).toString())
  change(json)
  return { ...legacy, payload: Buffer.from(JSON.stringify(json) + after) }
}

describe('verifyLegacy()', () => {
  test('given one changed character anywhere, refuses or changes nothing of what is verified', () => {
    const legacies = [keyless(), att('intoto 0.0.1'), att('dsse 0.0.1')]
    const essence = (legacy: LegacySignature) => {
      const { bundle: _, ...rest } = verifyLegacy(legacy, bench.trust)
      return JSON.stringify(rest)
    }
    const baselines = legacies.map(essence)
    fc.assert(
      fc.property(fc.nat(2), fc.nat(3), fc.nat(), fc.integer({ min: 1, max: 127 }), (which, part, at, flip) => {
        const legacy = legacies[which] as LegacySignature
        const name = [SIGNATURE, CERTIFICATE, BUNDLE][part]
        const bytes = Buffer.from(name === undefined ? legacy.payload : (legacy.annotations[name] ?? ''))
        if (bytes.byteLength === 0) return
        bytes[at % bytes.byteLength] = (bytes[at % bytes.byteLength] ?? 0) ^ flip
        const changed =
          name === undefined
            ? { ...legacy, payload: bytes }
            : { ...legacy, annotations: { ...legacy.annotations, [name]: bytes.toString() } }
        try {
          expect(essence(changed)).toBe(baselines[which])
        } catch (error) {
          if (!(error instanceof WaybillError)) throw error
        }
      }),
      { numRuns: 300 },
    )
  }, 60_000)

  test('given any annotations and payload, throws nothing but typed errors', async () => {
    const text = fc.oneof(fc.string(), fc.json(), fc.base64String())
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('signature' as const, 'attestation' as const),
        text,
        text,
        text,
        async (form, a, b, c) => {
          const annotations = { [SIGNATURE]: a, [BUNDLE]: b, [TIMESTAMP]: c }
          const legacy = { form, payload: Buffer.from(c), annotations }
          expect(await errorOf(() => verifyLegacy(legacy, bench.trust))).toBeInstanceOf(WaybillError)
        },
      ),
    )
  })
})
