import { createHash, generateKeyPairSync, sign, X509Certificate } from 'node:crypto'
import { TransparencyLogEntry } from '@sigstore/protobuf-specs'
import type { Witness } from '@sigstore/sign'
import { referenceBundle, referenceVerify, timestampWitness } from './reference-signer.ts'
import { preAuthenticationEncoding } from './rekor-v1-entry.ts'
import { type Stack, startStack } from './stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack.close())

describe('the Rekor v2 double', () => {
  /** Logs the digest of the PAE, as signers of envelopes do. */
  const witness = (
    change: (body: { hashedRekordRequestV002: Record<string, unknown> }) => unknown = body => body,
  ): Witness => ({
    testify: async (content, certificate) => {
      if (content.$case !== 'dsseEnvelope') throw new Error('only envelopes')
      const { payload, payloadType, signatures } = content.dsseEnvelope
      const digest = createHash('sha256').update(preAuthenticationEncoding(payloadType, payload)).digest('base64')
      const rawBytes = new X509Certificate(certificate).raw.toString('base64')
      const verifier = { keyDetails: 'PKIX_ECDSA_P256_SHA_256', x509Certificate: { rawBytes } }
      const signature = { content: signatures[0]?.sig.toString('base64'), verifier }
      const answer = await fetch(`${stack.rekorV2.url}/api/v2/log/entries`, {
        method: 'POST',
        body: JSON.stringify(change({ hashedRekordRequestV002: { digest, signature } })),
      })
      if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`)
      const entry = TransparencyLogEntry.fromJSON(await answer.json())
      return { tlogEntries: [entry as never] }
    },
  })

  test('entries verify while the tree grows', async () => {
    for (let grown = 0; grown < 6; grown++) {
      const bundle = await referenceBundle(stack, { witnesses: [witness(), timestampWitness(stack)] })
      expect(() => referenceVerify(stack, bundle, { timestamps: 1 })).not.toThrow()
      for (let extra = 0; extra < grown; extra++) stack.rekorV2.append(Buffer.from(`other ${grown} ${extra}`))
    }
  })

  test('gives no time: without a timestamp the bundle does not verify', async () => {
    const bundle = await referenceBundle(stack, { witnesses: [witness()] })
    expect(() => referenceVerify(stack, bundle, { timestamps: 1 })).toThrow('expected 1 timestamps, got 0')
  })

  test.each([
    { given: 'a digest that was not signed', field: { digest: Buffer.alloc(32, 7).toString('base64') } },
    { given: 'no signature', field: { signature: undefined } },
  ])('refuses $given', async ({ field }) => {
    const wrong = witness(body => ({ hashedRekordRequestV002: { ...body.hashedRekordRequestV002, ...field } }))
    await expect(referenceBundle(stack, { witnesses: [wrong, timestampWitness(stack)] })).rejects.toThrow(/400/)
  })

  test('refuses an envelope entry and a duplicate, as rekor-tiles does', async () => {
    await expect(referenceBundle(stack, { witnesses: [witness(() => ({ dsseRequestV002: {} }))] })).rejects.toThrow(
      /must be hashedrekord/,
    )
    let sent: unknown
    await referenceBundle(stack, {
      witnesses: [
        witness(body => {
          sent = body
          return body
        }),
        timestampWitness(stack),
      ],
    })
    const again = await fetch(`${stack.rekorV2.url}/api/v2/log/entries`, { method: 'POST', body: JSON.stringify(sent) })
    expect([again.status, again.headers.get('x-log-index')]).toEqual([409, String(stack.rekorV2.entries.length - 1)])
  })

  test('takes a bare public key as verifier, and logs it so', async () => {
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const rawBytes = keys.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
    const verifier = { keyDetails: 'PKIX_ECDSA_P256_SHA_256', publicKey: { rawBytes } }
    const content = sign('sha256', Buffer.from('signed'), keys.privateKey).toString('base64')
    const digest = createHash('sha256').update('signed').digest('base64')
    const body = JSON.stringify({ hashedRekordRequestV002: { digest, signature: { content, verifier } } })
    const answer = await fetch(`${stack.rekorV2.url}/api/v2/log/entries`, { method: 'POST', body })
    expect(answer.status).toBe(201)
    const logged = JSON.parse(stack.rekorV2.entries.at(-1) ?? '').spec.hashedRekordV002
    expect(logged).toEqual({ data: { algorithm: 'SHA2_256', digest }, signature: { content, verifier } })
  })
})
