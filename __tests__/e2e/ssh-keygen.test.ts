import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { utf8 } from '../../src/core/bytes.ts'
import { parseCommitId } from '../../src/core/digest.ts'
import { type CommitFacts, isRefused } from '../../src/core/facts.ts'
import { keyFindings } from '../../src/policy/key.ts'
import { lawFromFile } from '../../src/policy/law.ts'
import { ownersOf } from '../../src/policy/owner.ts'
import { parseCommit } from '../../src/source/commit.ts'
import { Keyring } from '../../src/source/keyring.ts'
import { factsOf } from '../../src/source/verify.ts'
import { type CertificateOptions, certify, makeSshKey, type SigOptions, sshsigOf } from '../fakes/ssh-keys.ts'
import { idOfCommit } from '../source/support.ts'

/**
 * Real ssh-keygen beside Waybill: what Waybill accepts OpenSSH accepts too, and certificates of real ssh-keygen are read.
 * There is no device here; that OpenSSH accepts what `fakes/ssh-keys.ts` makes of a security key proves its format.
 */
const folder = mkdtempSync(join(tmpdir(), 'ssh-keygen-'))
afterAll(() => rmSync(folder, { recursive: true }))

const NAME = 'carol@example.com'
const NOW = new Date('2026-06-01T12:00:00Z')
const AUTHORITY = makeSshKey('ed25519')
const DEVICES = [makeSshKey('sk-ed25519'), makeSshKey('sk-ecdsa256', 'ssh:work')] as const
const KEY = makeSshKey('ecdsa256')
const PERSON = `Carol <${NAME}> 1767225600 +0000`
const HEAD = `tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor ${PERSON}\ncommitter ${PERSON}\n`
const MESSAGE = '\nFix login\n'
const PAYLOAD = HEAD + MESSAGE

function keygen(...args: string[]): string {
  return execFileSync('ssh-keygen', args, {
    env: { ...process.env, TZ: 'UTC' },
    stdio: ['ignore', 'pipe', 'pipe'],
  }).toString()
}

function realKey(name: string, ...kind: string[]): string {
  keygen('-q', '-N', '', '-C', '', ...kind, '-f', join(folder, name))
  return readFileSync(join(folder, `${name}.pub`), 'utf8').trim()
}

/** Whether `ssh-keygen -Y verify` accepts it as Carol's. */
function opensshAccepts(armor: string, lines: readonly string[], now: Date): boolean {
  const [signature, allowed] = [join(folder, 'signature'), join(folder, 'allowed_signers')]
  writeFileSync(signature, armor)
  writeFileSync(allowed, lines.map(line => `${NAME} ${line}\n`).join(''))
  const time = now.toISOString().replaceAll(/[-:T]|\.\d+Z/g, '')
  const args = ['-Y', 'verify', '-f', allowed, '-I', NAME, '-n', 'git', '-s', signature, `-Overify-time=${time}`]
  const env = { ...process.env, TZ: 'UTC' }
  return spawnSync('ssh-keygen', args, { input: PAYLOAD, env }).status === 0
}

async function facts(armor: string): Promise<CommitFacts> {
  const bytes = utf8(`${HEAD}gpgsig ${armor.trimEnd().replaceAll('\n', '\n ')}\n${MESSAGE}`)
  const commit = parseCommit(idOfCommit(bytes), bytes)
  if ('malformed' in commit) throw new Error(commit.malformed.message)
  return factsOf(commit, new Keyring([]))
}

/** What Waybill says about it under a policy in which Carol has these signers: codes, none if it is hers and good. */
async function codes(armor: string, signers: readonly string[], now: Date): Promise<readonly string[]> {
  const policy = `version: 1\nprincipals:\n  carol: {emails: [${NAME}], signers: [${signers.join(', ')}]}\n`
  const law = lawFromFile(utf8(policy), 'waybill.yml', () => undefined)
  const commit = await facts(armor)
  const { signature } = commit
  if (signature.kind === 'none') return ['source/unsigned']
  if (isRefused(signature)) return [signature.code]
  const [owner] = ownersOf(signature, law)
  const bench = { law, lawAt: parseCommitId('0'.repeat(40)), ref: 'refs/heads/main', now }
  const findings = keyFindings(commit, signature, [], bench, owner?.signer).map(({ code }) => code)
  return owner === undefined ? ['source/signer-unknown', ...findings] : findings
}

const KNOWN = [
  ...DEVICES.map(device => `{ssh: {key: "${device.line}"}}`),
  `{ssh-ca: {key: "${AUTHORITY.line}", principals: ["${NAME}"], max-validity: 366d}}`,
]
const ALLOWED = [...DEVICES.map(({ line }) => line), `cert-authority ${AUTHORITY.line}`]

const touched = (options: SigOptions, device = DEVICES[0]) => sshsigOf(device, PAYLOAD, options)
const certified = (options: CertificateOptions, key = KEY, authority = AUTHORITY) =>
  sshsigOf(key, PAYLOAD, { holder: certify(authority, key, { names: [NAME], ...options }) })

describe('ssh-keygen and Waybill accept', () => {
  test.each([
    ['a touched security key', touched({})],
    ['a touched security key that asked for a PIN', touched({ flags: 5, counter: 2 ** 32 - 1 })],
    ['a touched ECDSA security key', touched({}, DEVICES[1])],
    ['a certificate', certified({})],
    ['a certificate with more names', certified({ names: ['root', NAME] })],
    [
      'a certificate with extensions',
      certified({
        extensions: [
          ['no-touch-required', ''],
          ['permit-pty', ''],
        ],
      }),
    ],
    ['a certificate on a security key', certified({}, DEVICES[0])],
    ['a certificate on an RSA key', certified({}, makeSshKey('rsa'))],
  ])('%s', async (_what, armor) => {
    expect(opensshAccepts(armor, ALLOWED, NOW)).toBe(true)
    expect(await codes(armor, KNOWN, NOW)).toEqual([])
  })
})

describe('ssh-keygen and Waybill refuse', () => {
  test.each([
    ['a device of nobody', touched({}, makeSshKey('sk-ed25519')), 'source/signer-unknown'],
    ['flags that were changed', touched({ flags: 0, change: flipped(5) }), 'source/bad-signature'],
    ['a counter that was changed', touched({ change: flipped(1) }), 'source/bad-signature'],
    ['another application', touched({ application: 'ssh:other' }), 'source/bad-signature'],
    ['a certificate that has ended', certified({ before: 1_780_000_000n }), 'source/certificate-expired'],
    ['a certificate that has not begun', certified({ after: 1_790_000_000n }), 'source/certificate-not-yet-valid'],
    ['a certificate for somebody else', certified({ names: ['mallory@example.com'] }), 'source/signer-unknown'],
    ['a certificate of another authority', certified({}, KEY, makeSshKey('ed25519')), 'source/signer-unknown'],
    ['a certificate of a host', certified({ kind: 2 }), 'source/certificate-unusable'],
    ['a certificate that was changed', certified({ forge: flipped(200) }), 'source/'],
    ['an authority that never signed', certified({ authority: AUTHORITY.blob }, KEY, KEY), 'source/'],
  ])('%s', async (_what, armor, code) => {
    expect(opensshAccepts(armor, ALLOWED, NOW)).toBe(false)
    expect((await codes(armor, KNOWN, NOW))[0]).toContain(code)
  })
})

describe('13-adversary 12: Waybill alone refuses', () => {
  test.each([
    ['a device that nobody touched', touched({ flags: 0 }), ['source/user-presence-missing']],
    ['an unknown critical option', certified({ critical: [['x@example.com', 'y']] }), ['source/certificate-options']],
    ['a certificate without names', certified({ names: [] }), ['source/signer-unknown', 'source/certificate-names']],
    ['a certificate for longer than max-validity', certified({ after: 0n }), ['source/certificate-too-long']],
  ])('%s', async (_what, armor, expected) => {
    expect(await codes(armor, KNOWN, NOW)).toEqual(expected)
  })
})

function flipped(fromEnd: number): (bytes: Buffer) => Buffer {
  return bytes => {
    const copy = Buffer.from(bytes)
    copy[copy.length - fromEnd] = (copy.at(-fromEnd) ?? 0) ^ 1
    return copy
  }
}

test.each([
  ['ed25519', ['-t', 'ed25519']],
  ['ecdsa', ['-t', 'ecdsa', '-b', '521']],
  ['rsa', ['-t', 'rsa', '-b', '3072']],
] as const)(
  'a certificate that ssh-keygen issues with -V +1d for a key of kind %s meets max-validity: 1d',
  async (kind, args) => {
    const authority = realKey(`authority-${kind}`, ...args)
    realKey(kind, ...args)
    keygen(
      '-q',
      '-s',
      join(folder, `authority-${kind}`),
      '-I',
      'carol',
      '-n',
      NAME,
      '-V',
      '+1d',
      join(folder, `${kind}.pub`),
    )
    const payload = join(folder, 'payload')
    writeFileSync(payload, PAYLOAD)
    rmSync(`${payload}.sig`, { force: true })
    keygen('-q', '-Y', 'sign', '-n', 'git', '-f', join(folder, `${kind}-cert.pub`), payload)
    const armor = readFileSync(`${payload}.sig`, 'utf8')
    const signers = [`{ssh-ca: {key: "${authority}", principals: ["${NAME}"], max-validity: 1d}}`]
    expect(opensshAccepts(armor, [`cert-authority ${authority}`], new Date())).toBe(true)
    expect(await codes(armor, signers, new Date())).toEqual([])
    expect(
      await codes(
        armor,
        signers.map(line => line.replace('max-validity: 1d', 'max-validity: 23h')),
        new Date(),
      ),
    ).toEqual(['source/certificate-too-long'])
  },
)
