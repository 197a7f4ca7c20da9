import fc from 'fast-check'
import { WaybillError } from '../../src/core/error.ts'
import { parseAuthorizedKey, parseSshPublicKey, sshFingerprint } from '../../src/core/ssh-key.ts'

/** Made with ssh-keygen; fingerprints and bits as `ssh-keygen -l` prints them. */
const KEYS = [
  {
    line: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOwBt84qkjiiH6EKVxClTW1C+gwNEgdCLIKXvR15l18v',
    algorithm: 'ssh-ed25519',
    bits: 256,
    fingerprint: 'SHA256:3/luhLz2a1bPeE1KsfK4ftMUdLgKgRRK/yZYWhkCSqE',
  },
  {
    line: 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDANUztmSR7habh6ApAz7pfDO6x2IiQNIaz7LLGyTndSqU3TIuzQWeuShR8O7nbpkwhIeBo/SECaoyIgyzHDNk364WoXgoIHzsrX7FH21i4J9ENRXmu7Ir0x/K3Z8p9m3S97f8iDf/4y4BhGQ5H00dW9TlmncZpfAFmXMqUk7HFt2zWgNNJC9PcRCA+4Xj6wvVKaDsAvKJb3sR2G8ADQA1A/GHzlfT/3N90G2YR3TIWsRDN9AqR3GCEdNArqbwEqWkHMDD9KTDRjrMSR45m7itYj7FVZswoXz3NGKreDojspQIs/NnLbmAailVB10cmOpl38VwXwU+KV2r+z+DrCr2p',
    algorithm: 'ssh-rsa',
    bits: 2048,
    fingerprint: 'SHA256:tGIdSFjStgLmycPt1NMKwRh1S7up55fkjISmV/WsGTQ',
  },
  {
    line: 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC//pryERKn9bdvZhd2CWvq60X9nZOZN/K5a6n5AChBB/vjztQud48FYKeNRv1B3VCw20gX84muDSQF1+HbbKeIFJU6phLdkyZj6z3P8AhvUYKxhfrIzzTm/IRAlSD+U90rSGKXzXcQ1Xf8jfx2zMnz5EFhwDTq2MeVLACt3XrPaQ==',
    algorithm: 'ssh-rsa',
    bits: 1024,
    fingerprint: 'SHA256:vaYPqLin7ewu6WC77aFSyGkPqYpQ3HGHj6izm0vm5Vo',
  },
  {
    line: 'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBC8u9fI9zyZzQQ8I7G7fmCKukPky5+l2KSKUDysbpprgLzLZaZbL37uQR5dlkUmkObT88i2c8VQUgW/O77VuWak=',
    algorithm: 'ecdsa-sha2-nistp256',
    bits: 256,
    fingerprint: 'SHA256:joKOKR7Quie2bSWGvzHxby+K4NydiF4ROnHadnStfLU',
  },
  {
    line: 'ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBCF0FQmqW7eTZE2DvOdF+JobjoAND0rjrJ53wsNRXEAf9TNrciOTO+uTvFnkXjUjHSXUvTnus2aPI3c9Ob8aGb87WoEj2x//rI0kEcCqK+WYZYqeym3FBuo/QnEYX2XkYg==',
    algorithm: 'ecdsa-sha2-nistp384',
    bits: 384,
    fingerprint: 'SHA256:5rPSuSV7ZMbL4MVGGUu7lovFpV2Ni5wz+rLGgnQH3qw',
  },
  {
    line: 'ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBADnAplxScQrcMVt3/gfjlucbReoR/ANxopH52AUDmExc4EvbWHuW28utHWJzlL1uKR9ath+47kpibK7w4ENRA0QoAAlks1S8br/dKkLqwnl48ETnLT3s3WHjmYWWunxQMQT8C1YRfIdDXFxOIivSJvgJ+pTWxirhdWld6T9H5thHnsg+Q==',
    algorithm: 'ecdsa-sha2-nistp521',
    bits: 521,
    fingerprint: 'SHA256:kBtuBeE3m1NLoA3/N51GQoWxKdP2EeGUDpEy6HDo7co',
  },
] as const

const [{ line: ED25519 }] = KEYS
const blobOf = (line: string): Uint8Array => new Uint8Array(Buffer.from(line.split(' ')[1] ?? '', 'base64'))
const lineOf = (algorithm: string, blob: Uint8Array): string => `${algorithm} ${Buffer.from(blob).toString('base64')}`

function string(bytes: Uint8Array | string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(Buffer.byteLength(bytes))
  return Buffer.concat([length, Buffer.from(bytes)])
}

function codeOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof WaybillError) return error.code
    throw error
  }
  return 'no error'
}

test.each(KEYS)('parseAuthorizedKey() reads $algorithm of $bits bits as ssh-keygen does', ({ line, ...fact }) => {
  expect(parseAuthorizedKey(line)).toMatchObject(fact)
  expect(parseAuthorizedKey(`${line} alice@example.com\n`)).toMatchObject(fact)
  expect(sshFingerprint(blobOf(line))).toBe(fact.fingerprint)
})

const rsa = (e: Uint8Array, n: Uint8Array): string =>
  lineOf('ssh-rsa', Buffer.concat([string('ssh-rsa'), string(e), string(n)]))
const E = Buffer.of(1, 0, 1)

test.each([
  { given: 'nothing', text: '' },
  { given: 'one word', text: 'ssh-ed25519' },
  { given: 'two lines', text: `${ED25519}\n${ED25519}` },
  { given: 'base64 with a blank inside', text: ED25519.replace('AAAAI', 'AAA AI') },
  { given: 'base64 without padding where some belongs', text: rsa(E, Buffer.alloc(255, 1)).replace(/=+$/, '') },
  { given: 'a name that is not the one in the blob', text: ED25519.replace('ssh-ed25519', 'ssh-rsa') },
  { given: 'a byte after the key', text: lineOf('ssh-ed25519', Buffer.concat([blobOf(ED25519), Buffer.of(0)])) },
  {
    given: 'a key of 31 bytes',
    text: lineOf('ssh-ed25519', Buffer.concat([string('ssh-ed25519'), string(Buffer.alloc(31))])),
  },
  { given: 'an exponent with a superfluous zero', text: rsa(Buffer.of(0, 1, 0, 1), Buffer.alloc(256, 1)) },
  { given: 'a negative modulus', text: rsa(E, Buffer.alloc(256, 0x80)) },
  { given: 'a modulus of zero', text: rsa(E, Buffer.of(0)) },
  { given: 'an empty modulus', text: rsa(E, Buffer.alloc(0)) },
  { given: 'a huge modulus', text: rsa(E, Buffer.alloc(2049, 1)) },
  { given: 'a huge exponent', text: rsa(Buffer.alloc(9, 1), Buffer.alloc(256, 1)) },
  {
    given: 'a compressed point',
    text: lineOf(
      'ecdsa-sha2-nistp256',
      Buffer.concat([string('ecdsa-sha2-nistp256'), string('nistp256'), string(Buffer.alloc(33, 2))]),
    ),
  },
  {
    given: 'a point of another curve',
    text: lineOf(
      'ecdsa-sha2-nistp256',
      Buffer.concat([string('ecdsa-sha2-nistp256'), string('nistp384'), string(Buffer.alloc(97, 4))]),
    ),
  },
  { given: 'more than 8,192 characters', text: `ssh-ed25519 ${'A'.repeat(9000)}` },
])('parseAuthorizedKey() refuses $given', ({ text }) => {
  expect(codeOf(() => parseAuthorizedKey(text))).toBe('source/ssh-key-malformed')
})

test.each(['ssh-dss', 'ssh-ed25519-cert-v01@openssh.com', 'constructor', 'no-pty,restrict'])(
  'parseAuthorizedKey() refuses the type %s by name',
  type => {
    expect(codeOf(() => parseAuthorizedKey(`${type} AAAA`))).toBe('source/ssh-key-unsupported')
  },
)

test('parseAuthorizedKey() reads a security key, so that a policy can name it', () => {
  const type = 'sk-ssh-ed25519@openssh.com'
  const blob = Buffer.concat([string(type), string(Buffer.alloc(32, 7)), string('ssh:')])
  expect(parseAuthorizedKey(lineOf(type, blob))).toMatchObject({ algorithm: type, bits: 256, application: 'ssh:' })
})

test.each(['', 'ssh', 'https://example.com', 'ssh:\n'])(
  'parseAuthorizedKey() refuses a security key of the application %j',
  application => {
    const type = 'sk-ssh-ed25519@openssh.com'
    const blob = Buffer.concat([string(type), string(Buffer.alloc(32, 7)), string(application)])
    expect(codeOf(() => parseAuthorizedKey(lineOf(type, blob)))).toBe('source/ssh-key-malformed')
  },
)

test('parseAuthorizedKey() reads any text or gives an error with a code', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map(rest => `ssh-ed25519 ${rest}`),
      ),
      text => {
        expect(codeOf(() => parseAuthorizedKey(text))).toMatch(/^source\/ssh-key-(malformed|unsupported)$|^no error$/)
      },
    ),
  )
})

test.each(KEYS)('parseSshPublicKey() gives $algorithm of $bits bits no second spelling', ({ line }) => {
  const blob = blobOf(line)
  for (let at = 0; at < blob.byteLength; at++) {
    const changed = new Uint8Array(blob)
    changed[at] = ((changed[at] ?? 0) + 1) & 0xff
    const code = codeOf(() => parseSshPublicKey(changed))
    // Another number is another key; what must not be is the same key under two fingerprints.
    if (code === 'no error') expect(parseSshPublicKey(changed).fields).not.toEqual(parseSshPublicKey(blob).fields)
    else expect(code).toMatch(/^source\/ssh-key-/)
    expect(codeOf(() => parseSshPublicKey(blob.subarray(0, at)))).toMatch(/^source\/ssh-key-/)
  }
})
