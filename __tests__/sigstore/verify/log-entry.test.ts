import { createHash, sign } from 'node:crypto'
import {
  checkEntryBody,
  type LoggedEnvelope,
  paeHash,
  preAuthEncoding,
} from '../../../src/sigstore/verify/log-entry.ts'
import { IN_TOTO_PAYLOAD_TYPE } from '../../../src/statements/statement.ts'
import { toPem } from '../../fakes/certificate.ts'
import { type KeyPair, p256, spki } from '../../fakes/keys.ts'
import { type Bench, forgeLeaf, openBench, statement } from '../support.ts'

let bench: Bench
let keys: KeyPair
let certificate: Buffer
let stranger: Buffer
let envelope: LoggedEnvelope
beforeAll(async () => {
  bench = await openBench()
  keys = await p256()
  certificate = forgeLeaf(bench, keys)
  stranger = forgeLeaf(bench, await p256())
  const content = { payloadType: IN_TOTO_PAYLOAD_TYPE, payload: statement() }
  const signature = sign('sha256', preAuthEncoding(content), keys.privateKey)
  envelope = { ...content, signature, publicKey: keys.publicKey }
})
afterAll(() => bench.close())

const b64 = (bytes: Uint8Array | string) => Buffer.from(bytes as Uint8Array).toString('base64')
const hex = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const hexBase64 = (text: string) => Buffer.from(text, 'hex').toString('base64')

/** What a log could have written, from the parts that a liar would change. */
interface Parts {
  payload: string
  pae: string
  sig: string
  cert: Buffer
}
const honest = (): Parts => ({
  payload: hex(envelope.payload),
  pae: paeHash(envelope),
  sig: b64(envelope.signature),
  cert: certificate,
})
const KINDS: Record<string, (p: Parts) => object> = {
  'dsse 0.0.1': p => ({
    payloadHash: { algorithm: 'sha256', value: p.payload },
    envelopeHash: { algorithm: 'sha256', value: 'a'.repeat(64) },
    signatures: [{ signature: p.sig, verifier: b64(toPem(p.cert)) }],
  }),
  'intoto 0.0.2': p => ({
    content: {
      payloadHash: { algorithm: 'sha256', value: p.payload },
      envelope: { signatures: [{ sig: b64(p.sig), publicKey: b64(toPem(p.cert)) }] },
    },
  }),
  'hashedrekord 0.0.1': p => ({
    data: { hash: { algorithm: 'sha256', value: p.pae } },
    signature: { content: p.sig, publicKey: { content: b64(toPem(p.cert)) } },
  }),
  'hashedrekord 0.0.2': p => ({
    hashedRekordV002: {
      data: { algorithm: 'SHA2_256', digest: hexBase64(p.pae) },
      signature: { content: p.sig, verifier: { x509Certificate: { rawBytes: b64(p.cert) } } },
    },
  }),
  'dsse 0.0.2': p => ({
    dsseV002: {
      payloadHash: { algorithm: 'SHA2_256', digest: hexBase64(p.payload) },
      signatures: [{ content: p.sig, verifier: { x509Certificate: { rawBytes: b64(p.cert) } } }],
    },
  }),
}

function check(name: string, parts: Parts, change: (text: string) => string = text => text, hash?: string): void {
  const [kind = '', version = ''] = name.split(' ')
  const body = { kind, apiVersion: version, spec: KINDS[name]?.(parts) ?? {} }
  checkEntryBody({ kind, version }, Buffer.from(change(JSON.stringify(body))), envelope, hash)
}

describe.each(Object.keys(KINDS))('checkEntryBody() of %s', name => {
  test('accepts the entry of this envelope', () => {
    expect(() => check(name, honest())).not.toThrow()
  })

  test.each<readonly [string, Partial<Parts>]>([
    ['content', { payload: 'b'.repeat(64), pae: 'b'.repeat(64) }],
    ['signature', { sig: b64('other') }],
  ])('refuses the entry of another %s', (_, lie) => {
    expect(() => check(name, { ...honest(), ...lie })).toThrow(/about another/)
  })

  test('refuses the entry of another key over the same bytes', () => {
    expect(() => check(name, { ...honest(), cert: stranger })).toThrow('names another key')
  })

  test('refuses an entry of another kind than the bundle says, and one without content', () => {
    expect(() => check(name, honest(), text => text.replace('"apiVersion":"0.0.', '"apiVersion":"0.1.'))).toThrow(
      'another kind',
    )
    expect(() => check(name, honest(), text => text.replace(/"spec":.*$/, '"spec":{}}'))).toThrow()
    expect(() => check(name, honest(), () => '{}')).toThrow()
  })
})

describe('checkEntryBody()', () => {
  test('compares the hash of the envelope’s text where it is known', () => {
    expect(() => check('dsse 0.0.1', honest(), undefined, 'a'.repeat(64))).not.toThrow()
    expect(() => check('dsse 0.0.1', honest(), undefined, 'b'.repeat(64))).toThrow('about another envelope')
  })

  test('takes a bare public key for the certificate’s', () => {
    const parts = honest()
    const pem = keys.publicKey.export({ format: 'pem', type: 'spki' }).toString()
    expect(() => check('dsse 0.0.1', parts, text => text.replace(b64(toPem(certificate)), b64(pem)))).not.toThrow()
    const der = b64(spki(keys.publicKey))
    const bare = `"publicKey":{"rawBytes":"${der}"}`
    expect(() =>
      check('hashedrekord 0.0.2', parts, text => text.replace(/"x509Certificate":\{"rawBytes":"[^"]+"\}/, bare)),
    ).not.toThrow()
  })

  test('refuses two signatures, a duplicate key and a kind that logs something else', () => {
    const two = (text: string) => text.replace('"signatures":[', '"signatures":[{},')
    expect(() => check('dsse 0.0.1', honest(), two)).toThrow('2 signatures')
    const twice = (text: string) => text.replace('"kind":', '"kind":"dsse","kind":')
    expect(() => check('dsse 0.0.1', honest(), twice)).toThrow('twice')
    for (const name of ['rfc3161 0.0.1', 'constructor 0.0.1', '__proto__ 0.0.1'])
      expect(() => check(name, honest())).toThrow('does not log an attestation')
  })
})
