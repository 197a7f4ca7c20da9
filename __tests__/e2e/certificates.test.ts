import {
  type Authority,
  alternativeEmail,
  mintAuthority,
  mintCertificate,
  name,
  randomSerial,
  toPem,
  usageSignature,
} from '../fakes/certificate.ts'
import { cmsArmor, signCms } from '../fakes/cms.ts'
import { gitsign, gitsignArmor, gitsignSignature } from '../fakes/gitsign.ts'
import { type KeyPair, p256 } from '../fakes/keys.ts'
import { withSignature } from '../fakes/repository.ts'
import { policyOf } from '../fakes/scenario.ts'
import { push, startWorld, type World } from './source-support.ts'

/** The bundled action on commits signed with certificates: a company's, and Fulcio's through gitsign. */
let world: World
let root: Authority
let keys: KeyPair
let base: string

const MAIN = 'refs/heads/main'
const YEAR_MS = 365 * 24 * 3600_000
const claimsOf = (email: string) => ({ email, email_verified: 'true' })

beforeAll(async () => {
  world = await startWorld()
  const { alice, bob, repository, stack } = world.scenario
  const validity = { notBefore: new Date(Date.now() - YEAR_MS), notAfter: new Date(Date.now() + YEAR_MS) }
  root = mintAuthority({ name: name('acme', 'root'), keys: await p256(), ...validity })
  keys = await p256()
  const principals = `  carol:
    emails: [carol@example.com]
    signers: [{ sigstore: { identity: carol@example.com, issuer: "${stack.oidc.issuer}" } }]
  dave:
    emails: [dave@example.com]
    signers: [{ x509: { san: dave@example.com, roots: keys/corp.pem } }]
`
  const policy = policyOf(alice, bob)
    .replace('roles:', `${principals}roles:`)
    .replace('"@maintainers", bob]', '"@maintainers", bob, carol, dave]')
  base = repository.commit({
    message: 'Welcome carol and dave',
    signer: alice,
    files: { '.github/waybill.yml': policy, '.github/keys/corp.pem': toPem(root.certificate) },
  })
})
afterAll(() => world?.scenario.close())

/** A commit on top of `main` as it was welcomed, with what `sign` makes of its bytes. @returns its id. */
async function commitBy(who: string, sign: (payload: Buffer) => Promise<string>): Promise<string> {
  const { repository } = world.scenario
  repository.git('checkout', '--quiet', '--force', '-B', 'main', base)
  const email = `${who}@example.com`
  const bare = repository.commit({
    message: `Work by ${who}`,
    name: who,
    email,
    files: { 'hello.txt': `hello ${who}\n` },
  })
  const payload = `${repository.git('cat-file', 'commit', bare)}\n`
  const signed = withSignature(payload, await sign(Buffer.from(payload)))
  const id = repository.gitInput(signed, 'hash-object', '-t', 'commit', '-w', '--stdin')
  repository.git('update-ref', MAIN, id)
  await world.scenario.publish()
  return id
}

function certificateOf(email: string, notAfter = new Date(Date.now() + YEAR_MS)): Buffer {
  return mintCertificate({
    issuer: { name: root.name, key: root.keys.privateKey },
    subject: name('acme', email),
    publicKey: keys.publicKey,
    serial: randomSerial(),
    notBefore: new Date(Date.now() - YEAR_MS),
    notAfter,
    extensions: [usageSignature(), alternativeEmail(email)],
  })
}

const withCertificate = (certificate: Buffer) => async (payload: Buffer) =>
  cmsArmor(signCms(payload, keys.privateKey, { certificate }))
const withGitsign = (email: string) => (payload: Buffer) =>
  gitsign(world.scenario.stack, payload, { claims: claimsOf(email) })

test('a commit signed with gitsign by a principal is accepted', async () => {
  const step = await push(world, MAIN, await commitBy('carol', withGitsign('carol@example.com')))
  expect([step.code, step.result.error?.code]).toEqual([0, undefined])
  expect(step.outputs).toMatchObject({ 'source-verdict': 'passed', verdict: 'passed' })
})

test('a commit signed with a certificate of the company is accepted', async () => {
  const certificate = certificateOf('dave@example.com')
  const step = await push(world, MAIN, await commitBy('dave', withCertificate(certificate)))
  expect([step.code, step.result.error?.code]).toEqual([0, undefined])
  expect(step.outputs).toMatchObject({ 'source-verdict': 'passed', verdict: 'passed' })
})

test.each([
  {
    given: 'gitsign with another person’s identity',
    who: 'carol',
    sign: withGitsign('mallory@example.com'),
    code: 'source/signer-unknown',
  },
  {
    given: 'a certificate of the company for somebody else',
    who: 'dave',
    sign: (payload: Buffer) => withCertificate(certificateOf('mallory@example.com'))(payload),
    code: 'source/signer-unknown',
  },
  {
    given: 'gitsign by carol on a commit in dave’s name',
    who: 'dave',
    sign: withGitsign('carol@example.com'),
    code: 'source/committer-mismatch',
  },
])('$given is rejected', async ({ who, sign, code }) => {
  const step = await push(world, MAIN, await commitBy(who, sign))
  expect([step.code, step.result.verdict]).toEqual([1, 'rejected'])
  expect(step.result.stages.length).toBeGreaterThan(0)
  expect(step.log).toContain(code)
  expect(step.outputs).toMatchObject({ 'source-verdict': 'rejected', digest: '', tags: '' })
})

test('gitsign in online mode is unknown, with the line that changes it', async () => {
  const sign = async (payload: Buffer) =>
    gitsignArmor(await gitsignSignature(world.scenario.stack, payload, claimsOf('carol@example.com')))
  const step = await push(world, MAIN, await commitBy('carol', sign))
  expect([step.code, step.result.verdict]).toEqual([2, 'unknown'])
  expect(step.log).toContain('git config --global gitsign.rekorMode offline')
  expect(step.outputs).toMatchObject({ digest: '', tags: '' })
})

test('13-adversary 12: a certificate that has expired, with no trusted time in the signature, is rejected', async () => {
  const expired = certificateOf('dave@example.com', new Date(Date.now() - 60_000))
  const step = await push(world, MAIN, await commitBy('dave', withCertificate(expired)))
  expect([step.code, step.result.verdict]).toEqual([1, 'rejected'])
  expect(step.log).toMatch(/source\/\S*expired/)
})
