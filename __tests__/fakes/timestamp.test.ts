import { randomBytes } from 'node:crypto'
import { ASN1Obj, RFC3161Timestamp } from '@sigstore/core'
import fc from 'fast-check'
import { boolean, integer, octets, oid, sequence } from './der.ts'
import { hash256 } from './keys.ts'
import { startTimestampAuthority, type TimestampAuthority } from './timestamp.ts'

let authority: TimestampAuthority
beforeAll(async () => {
  authority = await startTimestampAuthority()
})
afterAll(() => authority.close())

async function ask(body: Uint8Array | object): Promise<{ status: number; bytes: Buffer<ArrayBuffer> }> {
  const isDer = body instanceof Uint8Array
  const answer = await fetch(authority.endpoint, {
    method: 'POST',
    headers: { 'content-type': isDer ? 'application/timestamp-query' : 'application/json' },
    body: isDer ? Buffer.from(body) : JSON.stringify(body),
  })
  return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) }
}

function query(data: Uint8Array, nonce?: Uint8Array, certificates?: boolean): Buffer {
  const imprint = sequence(sequence(oid('2.16.840.1.101.3.4.2.1')), octets(hash256(data)))
  return sequence(
    integer(1),
    imprint,
    ...(nonce === undefined ? [] : [integer(nonce)]),
    ...(certificates === undefined ? [] : [boolean(certificates)]),
  )
}

describe('the timestamp double', () => {
  test('signs the time of a DER query, with its nonce and certificate', async () => {
    const data = randomBytes(70)
    const nonce = Buffer.concat([Buffer.from([0x11]), randomBytes(7)])
    const { status, bytes } = await ask(query(data, nonce, true))
    const timestamp = RFC3161Timestamp.parse(bytes)
    expect([status, timestamp.status]).toEqual([201, 0n])
    expect(() => timestamp.verify(data, authority.leaf.keys.publicKey)).not.toThrow()
    expect(() => timestamp.verify(randomBytes(70), authority.leaf.keys.publicKey)).toThrow()
    expect(bytes.includes(integer(nonce))).toBe(true)
    expect(bytes.includes(authority.leaf.certificate)).toBe(true)
  })

  test('leaves the certificate out unless it is asked for', async () => {
    const { bytes } = await ask(query(randomBytes(8)))
    expect(bytes.includes(authority.leaf.certificate)).toBe(false)
  })

  test('stamps the time of its own clock', async () => {
    authority.clockOffsetMs = -86_400_000
    const { bytes } = await ask({ artifactHash: hash256('x').toString('base64'), hashAlgorithm: 'sha256' })
    authority.clockOffsetMs = 0
    const ago = Date.now() - RFC3161Timestamp.parse(bytes).signingTime.getTime()
    expect(Math.round(ago / 3_600_000)).toBe(24)
  })

  test.each([
    { given: 'a digest that is too short', body: { artifactHash: 'AAAA', hashAlgorithm: 'sha256' } },
    {
      given: 'a hash nobody should use',
      body: { artifactHash: randomBytes(20).toString('base64'), hashAlgorithm: 'sha1' },
    },
    { given: 'bytes that are no query', body: Buffer.from('hello') },
  ])('refuses $given', async ({ body }) => {
    expect((await ask(body)).status).toBe(400)
  })

  test('answers garbage with 400 and stays alive', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async bytes => (await ask(bytes)).status === 400),
      { numRuns: 30 },
    )
    expect(ASN1Obj.parseBuffer((await ask(query(randomBytes(3)))).bytes).subs).toHaveLength(2)
  })
})
