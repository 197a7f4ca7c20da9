import fc from 'fast-check'
import { WaybillError } from '../../src/core/error.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { parseBundle, partsOf, serialiseBundle } from '../../src/sigstore/bundle.ts'
import { at, type Bench, changed, codeOf, jsonOf, listAt, type Mutable, openBench, statement } from './support.ts'

let bench: Bench
let good: Uint8Array
beforeAll(async () => {
  bench = await openBench()
  good = (await bench.session().sign(statement())).bundle
})
afterAll(() => bench.close())

const text = () => Buffer.from(good).toString()
const material = (json: Mutable) => at(json, 'verificationMaterial')
const entry = (json: Mutable) => at(json, 'verificationMaterial', 'tlogEntries', 0)

describe('parseBundle()', () => {
  test('reads a v0.3 bundle and shows nothing of it but the media type', () => {
    const bundle = parseBundle(good)
    expect(Object.keys(bundle)).toEqual(['mediaType'])
    expect(bundle.mediaType).toBe('application/vnd.dev.sigstore.bundle.v0.3+json')
  })

  test('keeps the payload byte for byte, and serialises to the same bytes', () => {
    const parts = partsOf(parseBundle(good))
    expect(parts.content.form === 'dsse' && new Uint8Array(parts.content.payload)).toEqual(statement())
    expect(serialiseBundle(parts.bundle)).toEqual(good)
  })

  test.each([
    'application/vnd.dev.sigstore.bundle+json;version=0.1',
    'application/vnd.dev.sigstore.bundle+json;version=0.2',
    'application/vnd.dev.sigstore.bundle+json;version=0.3',
  ])('reads the media type %s', mediaType => {
    expect(parseBundle(changed(good, json => Object.assign(json, { mediaType }))).mediaType).toBe(mediaType)
  })

  test.each([
    'application/vnd.dev.sigstore.bundle.v0.4+json',
    'application/vnd.dev.sigstore.bundle+json;version=99.9',
    'application/vnd.dev.sigstore.bundle.v0.3+json; charset=utf-8',
    'application/json',
  ])('calls the media type %s unsupported, which is unknown and not rejected', async mediaType => {
    const bytes = changed(good, json => Object.assign(json, { mediaType }))
    const error = await Promise.resolve(bytes)
      .then(parseBundle)
      .catch(e => e)
    expect([error.code, error.kind]).toEqual(['sigstore/bundle-unsupported', 'unknown'])
  })

  test.each<readonly [string, (json: Mutable) => void]>([
    ['no media type', json => void delete json.mediaType],
    ['an unknown field', json => Object.assign(json, { extra: 1 })],
    ['a snake_case field', json => Object.assign(json, { media_type: 'x' })],
    ['a field called __proto__', json => Object.defineProperty(json, '__proto__', { value: {}, enumerable: true })],
    ['no envelope', json => void delete json.dsseEnvelope],
    ['two signatures', json => void listAt(json, 'dsseEnvelope', 'signatures').push({ sig: 'AAAA' })],
    ['no signature', json => Object.assign(at(json, 'dsseEnvelope'), { signatures: [] })],
    ['an empty signature', json => Object.assign(at(json, 'dsseEnvelope', 'signatures', 0), { sig: '' })],
    ['a signature in base64url', json => Object.assign(at(json, 'dsseEnvelope', 'signatures', 0), { sig: '_-8' })],
    ['an empty payload', json => Object.assign(at(json, 'dsseEnvelope'), { payload: '' })],
    ['a payload that is no text', json => Object.assign(at(json, 'dsseEnvelope'), { payload: 7 })],
    ['an envelope and a message signature', json => Object.assign(json, { messageSignature: {} })],
    ['two kinds of signer', json => Object.assign(material(json), { publicKey: { hint: 'x' } })],
    ['no signer', json => void delete material(json).certificate],
    ['an empty certificate', json => Object.assign(material(json), { certificate: { rawBytes: '' } })],
    ['an entry without a log id', json => void delete entry(json).logId],
    ['an entry without a kind', json => void delete entry(json).kindVersion],
    ['an entry without a body', json => void delete entry(json).canonicalizedBody],
    ['an entry without a proof', json => void delete entry(json).inclusionProof],
    ['a proof without a checkpoint', json => void delete at(entry(json), 'inclusionProof').checkpoint],
    ['an index that is a number', json => Object.assign(entry(json), { logIndex: 7 })],
    ['a negative index', json => Object.assign(entry(json), { logIndex: '-1' })],
    ['a time after the year 9999', json => Object.assign(entry(json), { integratedTime: '999999999999' })],
    ['an index beyond what JSON numbers hold', json => Object.assign(entry(json), { logIndex: '9007199254740993' })],
    ['nine entries', json => Object.assign(material(json), { tlogEntries: Array(9).fill(entry(json)) })],
  ])('refuses a bundle with %s', async (_, change) => {
    expect(await codeOf(() => parseBundle(changed(good, change)))).toBe('sigstore/bundle-malformed')
  })

  test('refuses a duplicate key, which two readers could resolve differently', async () => {
    const twice = text().replace('"payloadType":', '"payloadType":"application/x","payloadType":')
    expect(await codeOf(() => parseBundle(Buffer.from(twice)))).toBe('sigstore/bundle-malformed')
  })

  test.each([
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['a byte order mark', Buffer.from('\ufeff{}')],
    ['a list', Buffer.from('[]')],
    ['nothing', Buffer.alloc(0)],
    ['deep nesting', Buffer.from(`${'['.repeat(10_000)}`)],
    ['more bytes than accepted', Buffer.alloc(LIMITS.bundleBytes + 1, 0x20)],
  ])('refuses %s', async (_, bytes) => {
    expect(await codeOf(() => parseBundle(bytes))).toBe('sigstore/bundle-malformed')
  })

  describe('of a message signature', () => {
    const message = (messageDigest: unknown, signature = 'AAAA') =>
      changed(good, json => {
        delete json.dsseEnvelope
        Object.assign(json, { messageSignature: { messageDigest, signature } })
      })
    const zeros = (bytes: number) => Buffer.alloc(bytes).toString('base64')

    test.each([
      ['SHA2_256', 'sha256', 32],
      ['SHA2_384', 'sha384', 48],
      ['SHA2_512', 'sha512', 64],
    ])('reads a digest of %s', (algorithm, name, bytes) => {
      const { content } = partsOf(parseBundle(message({ algorithm, digest: zeros(bytes) })))
      expect(content).toEqual({ form: 'message', algorithm: name, digest: Buffer.alloc(bytes) })
    })

    test.each([
      ['a digest of another length', { algorithm: 'SHA2_256', digest: 'AAAA' }, 'AAAA', 'sigstore/bundle-malformed'],
      ['no digest', undefined, 'AAAA', 'sigstore/bundle-malformed'],
      ['no signature', { algorithm: 'SHA2_256', digest: zeros(32) }, '', 'sigstore/bundle-malformed'],
      ['no algorithm', { digest: zeros(32) }, 'AAAA', 'sigstore/bundle-unsupported'],
      ['SHA3', { algorithm: 'SHA3_256', digest: zeros(32) }, 'AAAA', 'sigstore/bundle-unsupported'],
      ['an algorithm nobody knows', { algorithm: 'MD5', digest: zeros(16) }, 'AAAA', 'sigstore/bundle-malformed'],
    ])('refuses %s', async (_, digest, signature, expected) => {
      expect(await codeOf(() => parseBundle(message(digest, signature)))).toBe(expected)
    })
  })

  test('refuses a chain with a root of its own, too long a one, and an empty one', async () => {
    const { intermediate, root } = bench.stack.fulcio
    const withChain = (...chain: readonly unknown[]) =>
      changed(good, json => {
        Object.assign(json, { mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.2' })
        const { certificate, ...rest } = material(json)
        Object.assign(json, { verificationMaterial: { ...rest, x509CertificateChain: { certificates: chain } } })
        void certificate
      })
    const leaf = at(jsonOf(good), 'verificationMaterial', 'certificate')
    const raw = (der: Uint8Array) => ({ rawBytes: Buffer.from(der).toString('base64') })
    expect(await codeOf(() => parseBundle(withChain(leaf, raw(intermediate.certificate))))).toBeUndefined()
    expect(await codeOf(() => parseBundle(withChain(leaf, raw(intermediate.certificate), raw(root.certificate))))).toBe(
      'sigstore/bundle-malformed',
    )
    expect(await codeOf(() => parseBundle(withChain(...Array(9).fill(leaf))))).toBe('sigstore/bundle-malformed')
    expect(await codeOf(() => parseBundle(withChain()))).toBe('sigstore/bundle-malformed')
  })

  test('partsOf() refuses an object that parseBundle() did not make', async () => {
    expect(await codeOf(() => partsOf({ mediaType: 'x' } as never))).toBe('sigstore/bundle-malformed')
  })

  test('given any JSON, parses it or throws a typed error', () => {
    const keys = fc.constantFrom('mediaType', 'verificationMaterial', 'dsseEnvelope', 'tlogEntries', 'certificate', 'x')
    const tree = fc.letrec(tie => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom(null, '', 'AAAA', '7', 'application/vnd.dev.sigstore.bundle.v0.3+json', 0, true),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(keys, tie('value'), { maxKeys: 4 }),
      ),
    })).value
    fc.assert(
      fc.property(tree, value => {
        try {
          parseBundle(Buffer.from(JSON.stringify(value)))
        } catch (error) {
          expect(error).toBeInstanceOf(WaybillError)
        }
      }),
      { numRuns: 500 },
    )
  })
})
