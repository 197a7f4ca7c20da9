import { spawnSync } from 'node:child_process'
import { sha256 } from '../../src/core/digest.ts'
import { isPrintable } from '../../src/core/text.ts'
import { needsTrustedRoot, pullCommand, verifyArgs, verifyCommand, verifyCommands } from '../../src/report/commands.ts'
import type { Receipt } from '../../src/report/receipt.ts'
import { DRAFT, HOSTILE_TEXTS, hostile, REJECTED, RELEASE, UNKNOWN } from './receipts.ts'

/** The words a shell would pass to the program. */
function words(command: string): readonly string[] {
  const run = spawnSync('sh', ['-c', `printf '%s\\n' ${command}`], { encoding: 'utf8' })
  return run.stdout.split('\n').slice(0, -1)
}

test('verifyCommands() of a release are cosign, gh and waybill with the exact identity', () => {
  const programs = verifyCommands(RELEASE).map(line => line.split(' --')[0]?.split(" '")[0])
  expect(programs).toEqual([
    'cosign verify',
    'cosign verify-attestation',
    'gh attestation verify',
    'waybill verify image',
  ])
  for (const line of verifyCommands(RELEASE)) expect(words(line)).toContain(RELEASE.identity?.san)
})

test.each([
  { given: 'an image that was not pushed', receipt: DRAFT },
  { given: 'no image', receipt: REJECTED },
  { given: 'nothing at all', receipt: UNKNOWN },
  { given: 'no attestation', receipt: { ...RELEASE, attestations: [] } },
])('verifyCommands() given $given are none', ({ receipt }) => {
  expect(verifyCommands(receipt)).toEqual([])
  expect(verifyArgs(receipt)).toBeUndefined()
})

test('verifyArgs() are the words of verifyCommand()', () => {
  expect(words(verifyCommand(RELEASE) ?? '')).toEqual(['waybill', ...(verifyArgs(RELEASE) ?? [])])
})

test('verifyCommands() leave out gh when GitHub did not issue the identity or another Sigstore signed', () => {
  const other: Receipt = { ...RELEASE, identity: { san: 'x', issuer: 'https://issuer.example' } }
  const own: Receipt = {
    ...RELEASE,
    attestations: RELEASE.attestations.map(item => ({ ...item, log: { url: 'http://127.0.0.1:3000', index: '1' } })),
  }
  for (const receipt of [other, own]) expect(verifyCommands(receipt).join('\n')).not.toContain('gh attestation')
  expect([needsTrustedRoot(RELEASE), needsTrustedRoot(own)]).toEqual([false, true])
})

test('verifyCommands() of a release that a key signed name the key, and no identity', () => {
  const { identity: _, ...release } = RELEASE
  const file = "/tmp/waybill/it's/signing-key.pub"
  const keyed: Receipt = { ...release, signingKey: { fingerprint: sha256('key'), file } }
  const programs = verifyCommands(keyed).map(line => line.split(' --')[0]?.split(" '")[0])
  expect(programs).toEqual(['cosign verify', 'cosign verify-attestation', 'waybill verify image'])
  for (const line of verifyCommands(keyed)) expect(words(line)).toEqual(expect.arrayContaining(['--key', file]))
  expect(verifyArgs(keyed)).toEqual(expect.arrayContaining(['--key', file]))
})

test.each(HOSTILE_TEXTS)('13-adversary 37: no command of a receipt full of %j does anything but print it', text => {
  const receipt = hostile(text)
  const commands = [...verifyCommands(receipt), ...[pullCommand(receipt)].filter(line => line !== undefined)]
  if (!isPrintable(text)) expect(commands).toEqual([])
  for (const command of commands) expect(words(command).some(word => word.includes(text))).toBe(true)
})
