import { createHash, sign } from 'node:crypto'
import fc from 'fast-check'
import { p256, p384 } from './keys.ts'
import { verifyDigest } from './p256.ts'

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest()

describe('verifyDigest()', () => {
  test('accepts what node:crypto signed and nothing else', async () => {
    const { privateKey, publicKey } = await p256()
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, other) => {
        const signature = sign('sha256', Buffer.from(text), privateKey)
        expect(verifyDigest(publicKey, digestOf(text), signature)).toBe(true)
        expect(verifyDigest(publicKey, digestOf(other), signature)).toBe(text === other)
      }),
      { numRuns: 10 },
    )
  })

  test('refuses other keys, other curves and bytes that are no signature', async () => {
    const [{ privateKey, publicKey }, other, big] = await Promise.all([p256(), p256(), p384()])
    const signature = sign('sha256', Buffer.from('text'), privateKey)
    expect(verifyDigest(other.publicKey, digestOf('text'), signature)).toBe(false)
    expect(verifyDigest(big.publicKey, digestOf('text'), signature)).toBe(false)
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), bytes => !verifyDigest(publicKey, digestOf('text'), bytes)))
  })
})
