import type { BundleWithDsseEnvelope } from '@sigstore/bundle'
import { referenceBundle, referenceVerify, timestampWitness } from './reference-signer.ts'
import { type Stack, startStack } from './stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack({ platform: 'https://github.com' })
})
afterAll(() => stack.close())

describe('the embedded Sigstore', () => {
  test('a bundle of the public client libraries verifies with trusted_root.json', async () => {
    const bundle = await referenceBundle(stack)
    const signer = referenceVerify(stack, bundle, { timestamps: 2 })
    expect(signer.identity?.subjectAlternativeName).toBe(
      'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main',
    )
    expect(signer.identity?.extensions?.issuer).toBe(stack.oidc.url)
  })

  test('13-adversary 29: a bundle of one stack does not verify with the root of another', async () => {
    await using other = await startStack()
    const bundle = await referenceBundle(other)
    expect(() => referenceVerify(other, bundle)).not.toThrow()
    expect(() => referenceVerify(stack, bundle)).toThrow()
  })

  test('a timestamp alone is enough time for a bundle', async () => {
    const bundle = await referenceBundle(stack, { witnesses: [timestampWitness(stack)] })
    expect(() => referenceVerify(stack, bundle, { logs: 0 })).not.toThrow()
  })

  test('a changed payload, log index, body or timestamp no longer verifies', async () => {
    const change: Record<string, (bundle: BundleWithDsseEnvelope) => void> = {
      payload: bundle => bundle.content.dsseEnvelope.payload.writeUInt8(0x20, 0),
      'integrated time': bundle => {
        for (const entry of bundle.verificationMaterial.tlogEntries)
          entry.integratedTime = `${Number(entry.integratedTime) - 60}`
      },
      'log index': bundle => {
        for (const entry of bundle.verificationMaterial.tlogEntries) entry.logIndex = '1'
      },
      body: bundle => {
        for (const entry of bundle.verificationMaterial.tlogEntries) entry.canonicalizedBody.writeUInt8(0x20, 20)
      },
      timestamp: bundle => {
        const [timestamp] = bundle.verificationMaterial.timestampVerificationData?.rfc3161Timestamps ?? []
        const last = (timestamp?.signedTimestamp.byteLength ?? 1) - 1
        const byte = timestamp?.signedTimestamp.readUInt8(last) ?? 0
        timestamp?.signedTimestamp.writeUInt8(byte ^ 0xff, last)
      },
    }
    for (const [what, apply] of Object.entries(change)) {
      const bundle = await referenceBundle(stack)
      apply(bundle)
      expect({ what, verifies: attempt(() => referenceVerify(stack, bundle, { timestamps: 2 })) }).toEqual({
        what,
        verifies: false,
      })
    }
  })
})

function attempt(action: () => unknown): boolean {
  try {
    action()
    return true
  } catch {
    return false
  }
}
