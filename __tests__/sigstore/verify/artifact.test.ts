import { createHash, createSign } from 'node:crypto'
import fc from 'fast-check'
import { parseDigest, sha256 } from '../../../src/core/digest.ts'
import { WaybillError } from '../../../src/core/error.ts'
import type { HashName } from '../../../src/sigstore/bundle.ts'
import { SIGSTORE_LIMITS } from '../../../src/sigstore/limits.ts'
import { preAuthEncoding } from '../../../src/sigstore/verify/log-entry.ts'
import { type VerificationNeed, verifyArtifact, verifyBundle } from '../../../src/sigstore/verify/verify.ts'
import { IN_TOTO_PAYLOAD_TYPE } from '../../../src/statements/statement.ts'
import { ed25519, type KeyPair, p256, p384, rsa2048 } from '../../fakes/keys.ts'
import {
  bundleJson,
  envelopeOf,
  hashedBody,
  hashedBodyV2,
  logged,
  messageOf,
  pieces,
  signBytes,
  stamped,
} from '../messages.ts'
import { type Bench, changed, codeOf, errorOf, openBench, statement } from '../support.ts'

const file = Buffer.from('a file that somebody signed\n')
const digest = sha256(file)
let bench: Bench
let keys: Record<'p256' | 'p384' | 'ed25519' | 'rsa', KeyPair>
let good: Uint8Array
let ofV2: Uint8Array
beforeAll(async () => {
  bench = await openBench()
  const [first, second, third, fourth] = await Promise.all([p256(), p384(), ed25519(), rsa2048()])
  keys = { p256: first, p384: second, ed25519: third, rsa: fourth }
  const signing = signBytes(bench, file, keys.p256)
  const content = messageOf(signing, file)
  good = bundleJson({ signing, content, entries: [logged(bench, hashedBody(signing, file))] })
  ofV2 = bundleJson({
    signing,
    content,
    entries: [logged(bench, hashedBodyV2(signing, file), 'v2')],
    stamps: [await stamped(bench, signing.signature)],
  })
})
afterAll(() => bench.close())

const verify = (
  bytes: Uint8Array,
  content: Uint8Array | (() => AsyncIterable<Uint8Array>) | undefined = file,
  need?: VerificationNeed,
) => verifyArtifact(bytes, { digest, ...(content === undefined ? {} : { content }) }, bench.trust, need)
const byDigest = (bytes: Uint8Array, need?: VerificationNeed) => verifyArtifact(bytes, { digest }, bench.trust, need)
const pem = (pair: KeyPair) => pair.publicKey.export({ format: 'pem', type: 'spki' }).toString()
/** Everything over `bytes`, by this key. */
function signed(pair: KeyPair, how: { bytes?: Uint8Array; algorithm?: HashName; keyed?: boolean } = {}): Uint8Array {
  const { bytes = file, algorithm = 'sha256' } = how
  const signing = signBytes(bench, bytes, pair, how)
  return bundleJson({
    signing,
    content: messageOf(signing, bytes, algorithm),
    entries: [logged(bench, hashedBody(signing, bytes, algorithm))],
  })
}

describe('verifyArtifact() of a signature over a file', () => {
  test.each(['in memory', 'in pieces', 'by digest'])('gives a statement about exactly this file (%s)', async how => {
    const content = how === 'by digest' ? undefined : how === 'in memory' ? file : () => pieces(file)
    for (const bundle of [good, ofV2]) {
      const found = await verifyArtifact(bundle, { digest, ...(content === undefined ? {} : { content }) }, bench.trust)
      expect(found).toMatchObject({
        form: 'message',
        statement: { predicateType: 'message signature', predicate: {} },
        signer: { kind: 'certificate' },
        bundle: sha256(bundle),
        payload: digest,
      })
      expect(found.statement.subject).toEqual([{ digest: { sha256: digest.slice('sha256:'.length) } }])
    }
  })

  test('reads a statement in an envelope as verifyBundle() does, whatever the file is', async () => {
    const { bundle } = await bench.session().sign(statement())
    expect(await verify(bundle)).toEqual(verifyBundle(bundle, bench.trust))
  })

  test.each(['sha256', 'sha384', 'sha512'] as const)('reads a digest of %s', async algorithm => {
    const bundle = signed(keys.p384, { algorithm })
    expect((await verify(bundle, () => pieces(file))).form).toBe('message')
    expect(await codeOf(() => byDigest(bundle))).toBe(algorithm === 'sha256' ? undefined : 'sigstore/artifact-needed')
  })

  test.each([
    ['p256', undefined],
    ['p384', undefined],
    ['ed25519', 'sigstore/artifact-needed'],
    ['rsa', 'sigstore/artifact-needed'],
  ] as const)(
    'checks a key of type %s with the file, and with its digest alone where that can be',
    async (type, expected) => {
      const bundle = signed(keys[type], { keyed: true })
      const need = { keys: [{ publicKey: pem(keys[type]) }] }
      expect((await verify(bundle, () => pieces(file), need)).signer.kind).toBe('key')
      const error = await errorOf(() => byDigest(bundle, need))
      expect(error?.code).toBe(expected)
      if (error !== undefined) expect(error.kind).toBe('unknown')
    },
  )

  test('finds the one among several keys, also when others could not be tried', async () => {
    const bundle = signed(keys.p256, { keyed: true })
    const given = [keys.ed25519, keys.p384, keys.p256].map(pair => ({ publicKey: pem(pair) }))
    expect((await byDigest(bundle, { keys: given })).signer.kind).toBe('key')
    expect(await codeOf(() => byDigest(bundle, { keys: given.slice(0, 2) }))).toBe('sigstore/artifact-needed')
    expect(await codeOf(() => byDigest(bundle, { keys: given.slice(1, 2) }))).toBe('sigstore/key-unknown')
    expect(await codeOf(() => byDigest(bundle))).toBe('sigstore/key-unknown')
    expect(await codeOf(() => byDigest(bundle, { keys: [{ publicKey: 'nonsense' }] }))).toBe('sigstore/key-unknown')
  })

  test('verifyBundle() cannot say what is under it', async () => {
    expect(await errorOf(() => verifyBundle(good, bench.trust))).toMatchObject({
      code: 'sigstore/bundle-unsupported',
      kind: 'unknown',
    })
  })
})

describe('verifyArtifact() refuses', () => {
  test.each(['DSSEv1 ', 'SSHSIG'])('13-adversary 22: a file that begins with %s', async magic => {
    const bytes = Buffer.from(`${magic}and so on`)
    const bundle = signed(keys.p256, { bytes })
    const artifact = { digest: sha256(bytes), content: bytes }
    expect(await codeOf(() => verifyArtifact(bundle, artifact, bench.trust))).toBe('sigstore/artifact-ambiguous')
    const slow = { ...artifact, content: () => pieces(bytes, 1) }
    expect(await codeOf(() => verifyArtifact(bundle, slow, bench.trust))).toBe('sigstore/artifact-ambiguous')
  })

  test('13-adversary 22: the bytes of an attestation, presented as a signed file', async () => {
    const pae = preAuthEncoding({ payloadType: IN_TOTO_PAYLOAD_TYPE, payload: statement() })
    const signing = signBytes(bench, pae, keys.p256)
    const entries = [logged(bench, hashedBody(signing, pae))]
    const attestation = bundleJson({
      signing,
      content: envelopeOf(signing, statement(), IN_TOTO_PAYLOAD_TYPE),
      entries,
    })
    expect(verifyBundle(attestation, bench.trust).form).toBeUndefined()
    const asFile = bundleJson({ signing, content: messageOf(signing, pae), entries })
    const artifact = { digest: sha256(pae), content: pae }
    expect(await codeOf(() => verifyArtifact(asFile, artifact, bench.trust))).toBe('sigstore/artifact-ambiguous')
  })

  test('another file, in every way of giving it', async () => {
    const other = Buffer.from('another file')
    const artifact = { digest: sha256(other) }
    for (const content of [{}, { content: other }, { content: () => pieces(other) }])
      expect(await codeOf(() => verifyArtifact(good, { ...artifact, ...content }, bench.trust))).toBe(
        'sigstore/artifact-mismatch',
      )
    const long = signed(keys.p384, { algorithm: 'sha384' })
    expect(await codeOf(() => verifyArtifact(long, { ...artifact, content: other }, bench.trust))).toBe(
      'sigstore/artifact-mismatch',
    )
  })

  test('a digest in the bundle that was changed together with the file’s', async () => {
    const other = Buffer.from('another file')
    const lying = changed(good, json => Object.assign(json, messageOf(signBytes(bench, file, keys.p256), other)))
    const kept = changed(lying, json => {
      const { signature } = (JSON.parse(Buffer.from(good).toString()) as { messageSignature: { signature: string } })
        .messageSignature
      Object.assign(json.messageSignature as object, { signature })
    })
    for (const content of [{}, { content: other }])
      expect(await codeOf(() => verifyArtifact(kept, { digest: sha256(other), ...content }, bench.trust))).toBe(
        'sigstore/signature-invalid',
      )
  })

  test('a file that is another when it is read than when it was hashed: unknown', async () => {
    const error = await errorOf(() => verify(good, () => pieces(Buffer.from('swapped'))))
    expect([error?.code, error?.kind]).toEqual(['sigstore/artifact-changed', 'unknown'])
  })

  test('a file that cannot be read: unknown', async () => {
    const broken = async function* () {
      yield file.subarray(0, 3)
      throw new Error('EIO')
    }
    const error = await errorOf(() => verify(good, broken))
    expect([error?.code, error?.kind]).toEqual(['core/file-unreadable', 'unknown'])
  })

  test('to hold a large file in memory, which Ed25519 would need: unknown, unless another key signed', async () => {
    const piece = new Uint8Array(1024 * 1024)
    const count = SIGSTORE_LIMITS.wholeArtifactBytes / piece.byteLength + 1
    const large = async function* () {
      for (let i = 0; i < count; i++) yield piece
    }
    const hash = createHash('sha256')
    const signer = createSign('sha256')
    for await (const part of large()) {
      hash.update(part)
      signer.update(part)
    }
    const hex = hash.digest('hex')
    const own = parseDigest(`sha256:${hex}`)
    const digestOf = { algorithm: 'SHA2_256', digest: Buffer.from(hex, 'hex').toString('base64') }
    const bundleOf = (pair: KeyPair, signature: Buffer) =>
      bundleJson({
        signing: { keys: pair, signature },
        content: { messageSignature: { messageDigest: digestOf, signature: signature.toString('base64') } },
      })
    const given = { keys: [{ publicKey: pem(keys.ed25519) }, { publicKey: pem(keys.p256) }] }
    const verifyLarge = (bundle: Uint8Array) =>
      verifyArtifact(bundle, { digest: own, content: large }, bench.trust, { ...given, logs: 0 })
    const error = await errorOf(() => verifyLarge(bundleOf(keys.ed25519, Buffer.alloc(64))))
    expect([error?.code, error?.kind]).toEqual(['sigstore/artifact-needed', 'unknown'])
    // Its signature is found; what is missing is a time.
    const signature = signer.sign(keys.p256.privateKey)
    expect(await codeOf(() => verifyLarge(bundleOf(keys.p256, signature)))).toBe('sigstore/time-missing')
  }, 60_000)

  test('the entry of an attestation, or of another key, beside it', async () => {
    const signing = signBytes(bench, file, keys.p256)
    const content = messageOf(signing, file)
    const stranger = { ...signBytes(bench, file, await p256()), signature: signing.signature }
    const dsse = { apiVersion: '0.0.1', kind: 'dsse', spec: {} }
    for (const body of [hashedBody(stranger, file), hashedBody(signing, Buffer.from('b')), dsse]) {
      const bundle = bundleJson({ signing, content, entries: [logged(bench, body)] })
      expect(await codeOf(() => verify(bundle))).toBe('sigstore/log-entry-invalid')
    }
  })

  test('a certificate that is none', async () => {
    const signing = { ...signBytes(bench, file, keys.p256), certificate: Buffer.from('MIIB') }
    expect(await codeOf(() => verify(bundleJson({ signing, content: messageOf(signing, file) })))).toBe(
      'sigstore/certificate-malformed',
    )
  })

  test.each(['of Rekor v1', 'of Rekor v2', 'by digest'])(
    'every change of one byte of a bundle (%s), or nothing that is verified differs',
    async which => {
      const bundle = which === 'of Rekor v2' ? ofV2 : good
      const check = which === 'by digest' ? byDigest : verify
      const essence = async (bytes: Uint8Array) => {
        const { bundle: _, ...rest } = await check(bytes)
        return JSON.stringify(rest)
      }
      const baseline = await essence(bundle)
      let refused = 0
      await fc.assert(
        fc.asyncProperty(fc.nat(bundle.byteLength - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
          const copy = Uint8Array.from(bundle)
          copy[at] = (copy[at] ?? 0) ^ flip
          try {
            expect(await essence(copy)).toBe(baseline)
          } catch (error) {
            if (!(error instanceof WaybillError)) throw error
            refused++
          }
        }),
        { numRuns: 100 },
      )
      expect(refused).toBeGreaterThan(60)
    },
    60_000,
  )

  test('given any bytes as bundle and file, nothing but typed errors', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 50 }), async (bytes, content) => {
        const artifact = { digest: sha256(content), content }
        expect(await errorOf(() => verifyArtifact(bytes, artifact, bench.trust))).toBeInstanceOf(WaybillError)
      }),
    )
  })
})
