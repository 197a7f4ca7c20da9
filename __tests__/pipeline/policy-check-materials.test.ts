import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { utf8 } from '../../src/core/bytes.ts'
import { acceptedRefs, checkPolicy } from '../../src/pipeline/policy-check.ts'
import { lawFromFile } from '../../src/policy/law.ts'
import { filled, NOW, POLICY } from '../policy/world.ts'

const github = (name: string, ref: string) =>
  `{github: {repository: acme/${name}, repository-id: 4712, signer: "acme/${name}/.github/workflows/b.yml@refs/heads/main", source-ref: ${ref}, trigger: [push]}}`
const TEXT = `base-images:
  - {match: "ghcr.io/acme/**", signers: [${github('base', '[refs/heads/main]')}]}
  - {match: "ghcr.io/chain/**", waybill: {build: ${github('chain', 'any')}, require: provenance}}
  - {match: "docker.io/library/**", digest-lock: true}
materials:
  - {match: "artifact://acme/core/b.yml/*", keys: core}
  - {match: "https://example.com/**", keys: tool}
material-keys:
  core: ${github('core', '["refs/tags/v*"]')}
  tool: {minisign: {file: tool.pub}}
`
/** The form of a key: "Ed", eight bytes of a number, a point. */
const MINISIGN = Buffer.concat([Buffer.from('Ed'), Buffer.alloc(8, 1), Buffer.alloc(32, 2)]).toString('base64')
const FILES: Readonly<Record<string, string>> = {
  'tool.pub': `untrusted comment: minisign public key\n${MINISIGN}\n`,
  'broken.pub': 'untrusted comment: minisign public key\nRWQ\n',
  'other.asc': readFileSync(join(import.meta.dirname, '../vectors/commit/two-authors/keys.asc'), 'utf8'),
}
const law = (text: string) =>
  lawFromFile(utf8(filled(`${POLICY}${text}`)), 'waybill.yml', path =>
    FILES[path] === undefined ? undefined : utf8(FILES[path]),
  )
const notes = async (text: string) => {
  const { outcome, findings } = await checkPolicy(law(text), NOW)
  expect([outcome, findings.every(({ severity }) => severity === 'note')]).toEqual(['passed', true])
  return findings.map(({ code, subject }) => `${code} ${subject}`)
}

test('13-adversary 28: refs of those who sign base images and materials are accepted refs, too', () => {
  const refs = acceptedRefs(law(TEXT).policy, 'acme/app').filter(({ repository }) => repository !== 'acme/app')
  expect(refs).toEqual([
    { repository: 'acme/base', ref: 'refs/heads/main', why: 'base-images source-ref' },
    { repository: 'acme/chain', ref: 'any', why: 'base-images source-ref' },
    { repository: 'acme/core', ref: 'refs/tags/v*', why: 'material-keys source-ref' },
  ])
})

test('checkPolicy() says how many rules there are, and what each means', async () => {
  const { sections, findings } = await checkPolicy(law(TEXT), NOW)
  const first = (title: string) => sections.find(section => section.title === title)?.lines[0]
  expect(findings).toEqual([])
  expect(first('Base images')).toBe('3 rules; the first match decides, no match denies')
  expect(first('Other materials')).toBe('2 rules; the first match decides, no match denies')
})

describe('checkPolicy() notes what lets nothing through', () => {
  const LOCKED = 'base-images: [{match: "bad.example/**", deny: true}, {match: "**", digest-lock: true}]\n'
  const DEPLOY = `deploy: [{match: "**", build: ${github('app', 'any')}, require: [provenance, materials-verified]}]\n`
  test.each<[string, string, string[]]>([
    [
      'materials without base images',
      'materials: [{match: "https://example.com/**"}]\n',
      ['policy/cannot-hold materials'],
    ],
    ['verified materials of pinned images', LOCKED + DEPLOY, ['policy/cannot-hold deploy']],
    ['but not pinned materials', LOCKED + DEPLOY.replace('-verified', '-pinned'), []],
    ['nor where images are signed, too', LOCKED.replace('deny: true', 'docker: true') + DEPLOY, []],
    ['nor where nobody asks', LOCKED, []],
  ])('%s', async (_what, text, expected) => expect(await notes(text)).toEqual(expected))
  test('a key that no rule names', async () => {
    const text = TEXT.replace('material-keys:\n', 'material-keys:\n  spare: {ssh: {key: "{{spare}}"}}\n')
    expect(await notes(text)).toEqual(['policy/key-unused spare'])
  })
  test('but not without rules: then the manifest alone names keys', async () => {
    expect(await notes('material-keys: {spare: {ssh: {key: "{{spare}}"}}}\n')).toEqual([])
  })
  test('a file without a minisign key', async () => {
    expect(await notes(TEXT.replace('tool.pub', 'broken.pub'))).toEqual(['policy/key-unusable broken.pub'])
  })
  test('a fingerprint that is in no key file', async () => {
    const key = `{openpgp: {fingerprint: ${'3D5E07B2'.repeat(5)}, file: other.asc}}`
    const text = TEXT.replace('{minisign: {file: tool.pub}}', key)
    expect(await notes(text)).toEqual(['policy/key-missing other.asc'])
  })
  test.each([
    ['a key', '{ssh: {key: "{{spare}}"}}', 'fingerprint: "{{spare.fingerprint}}"'],
    [
      'an identity',
      '{sigstore: {identity: a@example.com, issuer: "https://accounts.example.com"}}',
      'identity: a@example.com, issuer: "https://accounts.example.com"',
    ],
  ])('13-adversary 12: %s that is revoked', async (_what, key, entry) => {
    const text = `material-keys: {spare: ${key}}\nrevoked: [{${entry}, effective: 2026-05-01, mode: retired}]\n`
    expect(await notes(text)).toEqual(['policy/key-revoked spare'])
  })
})
