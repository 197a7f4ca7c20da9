import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { referenceBundle, referenceVerify, STATEMENT_TYPE } from './reference-signer.ts'
import { preAuthenticationEncoding } from './rekor-v1-entry.ts'
import { type Stack, startStack } from './stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack.close())

describe('the Rekor v1 double', () => {
  test('proofs verify while the tree grows', async () => {
    for (let grown = 0; grown < 6; grown++) {
      const bundle = await referenceBundle(stack)
      expect(() => referenceVerify(stack, bundle, { timestamps: 2 })).not.toThrow()
      for (let extra = 0; extra < grown; extra++) stack.rekorV1.append(Buffer.from(`other ${grown} ${extra}`))
    }
  })

  test('answers 409 with a Location for an equivalent entry, which is there to be read', async () => {
    const envelope = (await referenceBundle(stack)).content.dsseEnvelope
    const entryBody = stack.rekorV1.entries.at(-1) ?? ''
    const verifiers = (JSON.parse(entryBody).spec.signatures as { verifier: string }[]).map(one => one.verifier)
    const json = JSON.stringify({
      payload: envelope.payload.toString('base64'),
      payloadType: envelope.payloadType,
      signatures: envelope.signatures.map(({ sig }) => ({ sig: sig.toString('base64'), keyid: '' })),
    })
    const post = () =>
      postEntry({ apiVersion: '0.0.1', kind: 'dsse', spec: { proposedContent: { envelope: json, verifiers } } })
    await post()
    const again = await post()
    expect(again.status).toBe(409)
    const found = await fetch(new URL(again.headers.get('location') ?? '', stack.rekorV1.url))
    const [[uuid = '', entry]] = Object.entries((await found.json()) as Record<string, { logIndex: number }>) as [
      [string, { logIndex: number }],
    ]
    expect(again.headers.get('location')).toBe(`/api/v1/log/entries/${uuid}`)
    const byIndex = await fetch(`${stack.rekorV1.url}/api/v1/log/entries?logIndex=${entry.logIndex}`)
    expect(Object.keys((await byIndex.json()) as object)).toEqual([uuid])
  })

  test('logs hashes, signature and key, and neither payload nor envelope', async () => {
    const bundle = await referenceBundle(stack, { payload: '{"secret":"value"}' })
    const body = JSON.parse(stack.rekorV1.entries.at(-1) ?? '')
    expect(Object.keys(body.spec).sort()).toEqual(['envelopeHash', 'payloadHash', 'signatures'])
    const payloadHash = createHash('sha256').update(bundle.content.dsseEnvelope.payload).digest('hex')
    expect(body.spec.payloadHash).toEqual({ algorithm: 'sha256', value: payloadHash })
  })

  test.each([
    { given: 'another kind of entry', entry: { apiVersion: '0.0.1', kind: 'intoto', spec: {} } },
    { given: 'no content', entry: { apiVersion: '0.0.1', kind: 'dsse', spec: {} } },
    { given: 'something that is no entry', entry: [] },
  ])('refuses $given', async ({ entry }) => {
    expect((await postEntry(entry)).status).toBe(400)
  })

  test('refuses a signature that no given key verifies', async () => {
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const pem = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const payload = Buffer.from('{}')
    const sign1 = (type: string) =>
      sign('sha256', preAuthenticationEncoding(type, payload), keys.privateKey).toString('base64')
    const propose = (sig: string) => {
      const envelope = JSON.stringify({
        payloadType: STATEMENT_TYPE,
        payload: payload.toString('base64'),
        signatures: [{ sig }],
      })
      const proposedContent = { envelope, verifiers: [Buffer.from(pem).toString('base64')] }
      return postEntry({ apiVersion: '0.0.1', kind: 'dsse', spec: { proposedContent } })
    }
    expect((await propose(sign1('text/plain'))).status).toBe(400)
    expect((await propose(sign1(STATEMENT_TYPE))).status).toBe(201)
  })
})

function postEntry(entry: unknown): Promise<Response> {
  return fetch(`${stack.rekorV1.url}/api/v1/log/entries`, { method: 'POST', body: JSON.stringify(entry) })
}
