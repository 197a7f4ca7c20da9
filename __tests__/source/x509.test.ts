import { sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { utf8 } from '../../src/core/bytes.ts'
import type { SignatureFact } from '../../src/core/facts.ts'
import { parseTrustRoot } from '../../src/sigstore/trust/root.ts'
import { type Authorities, Keyring, loadKeyring } from '../../src/source/keyring.ts'
import { checkSignature } from '../../src/source/verify.ts'
import { readCertificate } from '../../src/source/x509.ts'
import { chainTo } from '../../src/source/x509-chain.ts'
import {
  type Authority,
  alternativeEmail,
  extension,
  mintAuthority,
  mintCertificate,
  name,
  randomSerial,
  toPem,
  usageSignature,
} from '../fakes/certificate.ts'
import { attribute, attributesOf, cmsArmor, writeCms } from '../fakes/cms.ts'
import { context, contextPrimitive, oid, sequence, setOf } from '../fakes/der.ts'
import { gitsignToken, TIMESTAMP_TOKEN } from '../fakes/gitsign.ts'
import { type KeyPair, p256 } from '../fakes/keys.ts'
import { withSignature } from '../fakes/repository.ts'
import { type Stack, startStack } from '../fakes/stack.ts'
import { commitOf, errorOf } from './support.ts'

const PERSON = 'Alice <alice@example.com> 1767225600 +0000'
const PAYLOAD = `tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor ${PERSON}\ncommitter ${PERSON}\n\nSign\n`
const VALID = { notBefore: new Date('2025-01-01T00:00:00Z'), notAfter: new Date('2045-01-01T00:00:00Z') }
const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'))
const ROOT = join(import.meta.dirname, '../vectors/commit/x509-openssl/roots.pem')

let stack: Stack
let other: Stack
let root: Authority
let keys: KeyPair
beforeAll(async () => {
  ;[stack, other, keys] = await Promise.all([startStack(), startStack(), p256()])
  root = mintAuthority({ name: name('acme', 'root'), keys: await p256(), ...VALID })
})
afterAll(async () => {
  await Promise.all([stack.close(), other.close()])
})

function leafOf(
  issuer: Authority,
  { privateKey, publicKey }: KeyPair = keys,
): { der: Buffer; key: KeyPair['privateKey'] } {
  const der = mintCertificate({
    issuer: { name: issuer.name, key: issuer.keys.privateKey },
    subject: name('acme', 'alice'),
    publicKey,
    serial: randomSerial(),
    ...VALID,
    extensions: [usageSignature(), alternativeEmail('alice@example.com')],
  })
  return { der, key: privateKey }
}

const trustOf = ({ trustedRoot }: Stack) => parseTrustRoot(utf8(JSON.stringify(trustedRoot)), 'file')

describe('the time of an RFC 3161 token in an X.509 signature', () => {
  /** @param over the signature that the token is about; default: the commit's own. */
  async function stamped(by: Stack, authorities: Authorities, over?: Buffer): Promise<SignatureFact> {
    const { der, key } = leafOf(root)
    const attributes = attributesOf(utf8(PAYLOAD))
    const signature = sign('sha256', setOf(...attributes), key)
    const token = await gitsignToken(by, { attributes, leaf: der, signature: over ?? signature })
    const unsigned = [attribute(TIMESTAMP_TOKEN, token)]
    const cms = writeCms({ certificate: der, attributes, signature, algorithm: ECDSA_SHA256, unsigned })
    const x509Roots = [readCertificate(root.certificate)]
    const commit = commitOf(withSignature(PAYLOAD, cmsArmor(cms)))
    return checkSignature(commit, new Keyring([], { x509Roots, ...authorities }))
  }

  test('13-adversary 12: counts when an authority of the trust root made it over this signature', async () => {
    const before = Math.floor(Date.now() / 1000) * 1000
    const fact = await stamped(stack, { sigstoreTrust: async () => trustOf(stack) })
    expect(fact).toMatchObject({ kind: 'x509', trustedTime: { from: 'timestamp' } })
    expect(fact.kind === 'x509' && fact.trustedTime?.time.getTime()).toBeGreaterThanOrEqual(before)
  })

  test.each([
    { given: 'an authority that the trust root does not name', by: () => other, over: undefined, trust: true },
    { given: 'another signature', by: () => stack, over: Buffer.from('another'), trust: true },
    { given: 'no trust root', by: () => stack, over: undefined, trust: false },
  ])('13-adversary 12: does not count given $given, and the signature stays valid', async ({ by, over, trust }) => {
    const fact = await stamped(by(), trust ? { sigstoreTrust: async () => trustOf(stack) } : {}, over)
    expect(fact.kind).toBe('x509')
    expect(fact).not.toHaveProperty('trustedTime')
  })

  test('does not count while the trust root cannot be had', async () => {
    const sigstoreTrust = async () => parseTrustRoot(utf8('{}'), 'file')
    expect(await stamped(stack, { sigstoreTrust })).not.toHaveProperty('trustedTime')
  })
})

test('chainTo() tries no more than a hundred signatures, however many certificates share a name', () => {
  const issuers = Array.from({ length: 200 }, () => mintAuthority({ name: root.name, keys: root.keys, ...VALID }))
  const { der } = leafOf(root)
  const others = issuers.map(({ certificate }) => readCertificate(certificate))
  expect(() => chainTo([], readCertificate(der), others)).toThrow(/leads to no root/)
})

test('chainTo() takes a way that holds when another does not', () => {
  const { der } = leafOf(root)
  const narrow = mintAuthority({ name: root.name, keys: root.keys, pathLength: 0, ...VALID })
  const chain = chainTo(
    [readCertificate(narrow.certificate), readCertificate(root.certificate)],
    readCertificate(der),
    [],
  )
  expect(chain).toHaveLength(2)
})

test.each([true, false])(
  '13-adversary 12: no way leads over an authority with name constraints (critical: %s)',
  async critical => {
    // permitted: addresses of example.org alone
    const others = sequence(context(0, sequence(contextPrimitive(1, utf8('example.org')))))
    const extensions = [extension('2.5.29.30', others, critical)]
    const narrow = mintAuthority({
      name: name('acme', 'narrow'),
      keys: await p256(),
      issuer: root,
      extensions,
      ...VALID,
    })
    const certificates = [leafOf(narrow).der, narrow.certificate, root.certificate].map(der => readCertificate(der))
    const [leaf, authority, top] = certificates
    if (leaf === undefined || authority === undefined || top === undefined) throw new Error('Three certificates')
    const chain = () => chainTo([top], leaf, [authority])
    expect(chain).toThrow(/2\.5\.29\.30/)
  },
)

describe('loadKeyring() with files of root certificates', () => {
  const load = (text: string) => loadKeyring([], [{ path: 'keys/corp.pem', bytes: utf8(text) }])

  test('reads one or several, each once', async () => {
    const pem = readFileSync(ROOT, 'utf8')
    const both = await load(`${pem}\n${toPem(root.certificate)}${pem}`)
    expect(both.x509Roots).toHaveLength(2)
    expect((await load(pem.replaceAll('\n', '\r\n'))).x509Roots).toHaveLength(1)
  })

  test.each([
    { given: 'nothing', text: () => '' },
    { given: 'words beside the blocks', text: () => `subject=acme\n${readFileSync(ROOT, 'utf8')}` },
    {
      given: 'a private key',
      text: () => `${readFileSync(ROOT, 'utf8')}${keys.privateKey.export({ type: 'pkcs8', format: 'pem' })}`,
    },
    { given: 'half a certificate', text: () => readFileSync(ROOT, 'utf8').replace('-----END CERTIFICATE-----', '') },
    { given: 'base64 of something else', text: () => toPem(Buffer.from('hello')) },
    { given: 'a person’s certificate', text: () => toPem(leafOf(root).der) },
    { given: 'a character that is none', text: () => '\ud800' },
  ])('refuses $given and names the file', async ({ text }) => {
    const error = await errorOf(() => load(text()))
    expect(error.code).toBe('source/root-unreadable')
    expect(error.message).toContain('keys/corp.pem')
  })
})
