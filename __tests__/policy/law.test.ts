import { generateKeyPairSync } from 'node:crypto'
import { utf8 } from '../../src/core/bytes.ts'
import type { LawLink } from '../../src/core/facts.ts'
import { keyFingerprint } from '../../src/policy/key-file.ts'
import { changedLaw, findPolicy, lawFromFile, parseLaw } from '../../src/policy/law.ts'
import { BASE, errorOf, idOf, LAW, lawFiles, POLICY } from './world.ts'

const CI = '.github/workflows/ci.yml'
const PEM = String(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }))
const KEYED = `${POLICY}deploy: [{match: "ghcr.io/**", build: {key: keys/release.pem}, require: signature}]\n`

describe('changedLaw()', () => {
  test.each([
    ['nothing', {}, 'same'],
    ['an issue template', { '.github/ISSUE_TEMPLATE/a.md': 'x' }, 'same'],
    ['a file that only looks like a workflow', { '.github/workflows.yml': 'x' }, 'same'],
    ['a workflow', { [CI]: 'x' }, 'workflows'],
    ['a new workflow', { '.github/workflows/new.yml': 'x' }, 'workflows'],
    ['an action', { '.github/actions/a/action.yml': 'x' }, 'workflows'],
    ['the policy', { '.github/waybill.yml': 'x' }, 'policy'],
    ['CODEOWNERS', { '.github/CODEOWNERS': 'x' }, 'policy'],
    ['a second policy file', { '.github/waybill.yaml': 'x' }, 'policy'],
    ['a workflow and the policy', { [CI]: 'x', '.github/waybill.yml': 'x' }, 'policy'],
  ] as const)('13-adversary 3: %s is %s', (_what, change, expected) => {
    expect(changedLaw(LAW, lawFiles({ ...BASE, ...change }))).toBe(expected)
  })

  test('13-adversary 3: a removed workflow is a change', () => {
    const { [CI]: _gone, ...rest } = BASE
    expect(changedLaw(LAW, lawFiles(rest))).toBe('workflows')
  })

  test('13-adversary 3: other bytes of a named key file are a change of the policy', () => {
    const files = { ...BASE, '.github/waybill.yml': KEYED, '.github/keys/release.pem': PEM }
    const law = parseLaw(lawFiles(files))
    expect(changedLaw(law, lawFiles({ ...files, '.github/keys/release.pem': `${PEM}\n` }))).toBe('policy')
    expect(changedLaw(law, lawFiles({ ...files, '.github/keys/other.pem': PEM }))).toBe('same')
  })
})

describe('13-adversary 3: what is no file', () => {
  const change = (...links: readonly LawLink[]) => ({ ...lawFiles(BASE), tree: idOf('another'), links })
  const module = { path: '.github/actions/build', id: idOf('one'), kind: 'submodule' } as const
  test.each<[string, LawLink[], string]>([
    ['an action that is a submodule', [module], 'workflows'],
    ['all workflows behind a link', [{ ...module, path: '.github/workflows', kind: 'link' }], 'workflows'],
    ['a link in place of the policy’s twin', [{ ...module, path: '.github/waybill.yaml', kind: 'link' }], 'policy'],
    ['a link that is no law', [{ ...module, path: '.github/ISSUE_TEMPLATE.md', kind: 'link' }], 'same'],
  ])('%s', (_what, links, expected) => expect(changedLaw(LAW, change(...links))).toBe(expected))

  test('another commit of a submodule is a change, and so is a link where there was a file of the same bytes', () => {
    const law = parseLaw(change(module))
    expect(changedLaw(law, { ...change(module), tree: idOf('third') })).toBe('same')
    expect(changedLaw(law, { ...change({ ...module, id: idOf('two') }), tree: idOf('fifth') })).toBe('workflows')
    const { files } = lawFiles(BASE)
    const isWorkflow = ({ path }: { readonly path: string }) => path.startsWith('.github/workflows/')
    const workflows = files.filter(isWorkflow).map(({ path, id }) => ({ path, id, kind: 'link' as const }))
    const linked = { tree: idOf('fourth'), files: files.filter(file => !isWorkflow(file)), links: workflows }
    expect(changedLaw(LAW, linked)).toBe('workflows')
  })
})

describe('findPolicy()', () => {
  test('finds nothing where nothing is', () => expect(findPolicy({ files: [] })).toBeUndefined())
  test.each(['.github/waybill.yaml', '.github/Waybill.yml', '.github/WAYBILL.YAML'])(
    '13-adversary 5: refuses %s, alone or beside the policy',
    path => {
      expect(errorOf(() => findPolicy(lawFiles({ [path]: 'x' }))).code).toBe('policy/unusable')
      expect(errorOf(() => findPolicy(lawFiles({ ...BASE, [path]: 'x' }))).code).toBe('policy/unusable')
    },
  )
})

describe('parseLaw()', () => {
  test('binds keys, and keeps the bytes of what the policy names', () => {
    const files = { ...BASE, '.github/waybill.yml': KEYED, '.github/keys/release.pem': PEM }
    const law = parseLaw(lawFiles(files))
    expect(law.policy.deploy[0]).toMatchObject({ build: { fingerprint: keyFingerprint(utf8(PEM), 'x') } })
    expect([...law.files.keys()]).toEqual(['.github/keys/release.pem'])
    expect(law.constant).toBe(false)
  })
  test('refuses a named file that is missing in the same commit', () => {
    const error = errorOf(() => parseLaw(lawFiles({ ...BASE, '.github/waybill.yml': KEYED })))
    expect([error.code, error.kind]).toEqual(['policy/unusable', 'rejected'])
    expect(error.message).toContain('.github/keys/release.pem')
  })
})

describe('lawFromFile()', () => {
  test('is constant and asks for files below the policy’s own folder', () => {
    const asked: string[] = []
    const law = lawFromFile(utf8(KEYED), 'org/waybill.yml', path => {
      asked.push(path)
      return utf8(PEM)
    })
    expect(asked).toEqual(['org/keys/release.pem'])
    expect(law.constant).toBe(true)
    expect(changedLaw(law, { files: [] })).toBe('same')
  })
  test.each([
    ['broken', 'a: [', 'policy/unusable'],
    ['too new', 'version: 9', 'policy/unsupported'],
    ['short of a file', KEYED, 'policy/unusable'],
  ])('is a configuration error when the file is %s', (_what, text, code) => {
    const error = errorOf(() => lawFromFile(utf8(text), 'policy.yml', () => undefined))
    expect([error.code, error.kind]).toEqual([code, 'configuration'])
  })
})

describe('keyFingerprint()', () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  test.each([
    ['a private key', String(privateKey.export({ type: 'pkcs8', format: 'pem' }))],
    ['nothing', ''],
    ['two keys', PEM + PEM],
    ['a certificate label', PEM.replaceAll('PUBLIC KEY', 'CERTIFICATE')],
    ['cut bytes', PEM.replace(/\n.{20}/, '\n')],
  ])('refuses %s', (_what, text) => {
    expect(errorOf(() => keyFingerprint(utf8(text), 'k.pem')).code).toBe('policy/unusable')
  })
})
