import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { WaybillError } from '../../src/core/error.ts'
import { readCall } from '../../src/entry/commands/table.ts'
import { expectGolden } from '../report/golden.ts'
import { BUILD, DEPLOYER, PEM, SOURCE, URI } from './world.ts'

const GOLDEN = join(import.meta.dirname, 'golden')
const RULE = `{match: [ghcr.io/acme/app, docker.io/acme/app], build: ${BUILD}, deployer: ${DEPLOYER}, source: ${SOURCE}, require: [signature, provenance, source-accepted, materials-verified], admit: [deploy-verified]}`
const POLICY = `version: 1
quarantined: [{digest: "sha256:${'1'.repeat(64)}", reason: tampered, since: 2026-05-02}]
deploy:
  - {match: ["ghcr.io/acme/base-old"], deny: true}
  - ${RULE}
  - {match: ["ghcr.io/acme/base*"], build: {sigstore: {identity: {prefix: "https://github.com/acme/"}, issuer: "https://token.actions.githubusercontent.com"}}, require: [sbom]}
  - {match: ["file:dist/**"], build: {key: release.pem}, require: [signature]}
  - {match: ["**"], deny: true}
`

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-generate-'))
  await writeFile(join(folder, 'policy.yml'), POLICY)
  await writeFile(join(folder, 'release.pem'), PEM)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function generate(...words: readonly string[]) {
  let out = ''
  let err = ''
  const call = readCall(['policy', 'generate', '--policy', 'policy.yml', ...words])
  if (call.kind !== 'run') throw new Error(call.kind)
  const world = {
    args: words,
    workingFolder: folder,
    isTerminal: false,
    columns: 80,
    out: (bytes: Uint8Array | string) => {
      out += String(bytes)
    },
    err: (text: string) => {
      err += text
    },
    exit: () => {},
    script: 'waybill',
  }
  const code = await call.act({ world, env: { HOME: folder } })
  return { code, out, err }
}

async function refused(...words: readonly string[]): Promise<WaybillError> {
  const error = await generate(...words).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof WaybillError) return error
  throw new Error(`not refused: ${String(error)}`)
}

describe('waybill policy generate', () => {
  test('writes what a reviewer reads, the same again', async () => {
    const words = ['--policy-uri', URI, '--namespace', 'production', '--out', 'admission']
    await generate(...words)
    const names = (await readdir(join(folder, 'admission'))).sort()
    for (const name of names)
      expectGolden(join(GOLDEN, 'policy-controller', name), await readFile(join(folder, 'admission', name), 'utf8'))
    expect(names).toEqual((await readdir(join(GOLDEN, 'policy-controller'))).sort())
    expect((await generate(...words, '--check')).code).toBe(0)
  })

  test('prints documents one after the other, or JSON', async () => {
    const { out } = await generate('--policy-uri', URI)
    const kinds = parseAllDocuments(out).map(document => (document.toJS() as { readonly kind: string }).kind)
    expect(new Set(kinds)).toEqual(new Set(['ClusterImagePolicy', 'ConfigMap']))
    const { data } = JSON.parse((await generate('--policy-uri', URI, '--json')).out) as {
      readonly data: { readonly engine: string; readonly notes: readonly string[]; readonly files: readonly object[] }
    }
    expect(data.engine).toBe('policy-controller')
    expect(data.notes).toEqual(['Rules for files are the gate’s alone: file:dist/**.'])
    expect(data.files.length).toBe(kinds.length)
  })

  test('13-adversary 30: --check sees other bytes, a missing file and one that is left from before', async () => {
    const at = (name: string) => join(folder, 'admission', name)
    await generate('--out', 'admission')
    await writeFile(at('notes.yaml'), 'mine: true\n')
    await writeFile(join(folder, 'policy.yml'), POLICY.replace('base-old', 'base-worse'))
    const error = await refused('--out', 'admission', '--check')
    expect(error.code).toBe('policy/generated-stale')
    expect(error.kind).toBe('rejected')
    expect(error.found).toMatch(
      /with other bytes: .*config-policy-controller\.yaml.*; missing: .*worse.*; left from before: .*old/,
    )
    expect(error.remedy).toContain(
      'waybill policy generate --policy policy.yml --for policy-controller --out admission',
    )
    const { err } = await generate('--out', 'admission')
    expect(err).toMatch(/1 removed: clusterimagepolicy-waybill-ghcr-io-acme-base-old/)
    expect(await readFile(at('notes.yaml'), 'utf8')).toBe('mine: true\n')
    expect((await generate('--out', 'admission', '--check')).code).toBe(0)
  })

  test('what somebody else wrote is neither replaced nor removed', async () => {
    await mkdir(join(folder, 'admission'))
    await writeFile(join(folder, 'admission', 'config-policy-controller.yaml'), 'mine: true\n')
    expect((await refused('--out', 'admission')).code).toBe('entry/usage')
    expect(await readdir(join(folder, 'admission'))).toEqual(['config-policy-controller.yaml'])
    expect((await refused('--out', 'admission', '--check')).found).toMatch(/not generated: config-policy-controller/)
  })

  test('for Kyverno it is one policy, and each engine leaves the files of the other alone', async () => {
    await generate('--policy-uri', URI, '--out', 'both')
    const before = await readdir(join(folder, 'both'))
    await generate('--policy-uri', URI, '--out', 'both', '--for', 'kyverno')
    const after = await readdir(join(folder, 'both'))
    expect(after).toEqual(expect.arrayContaining(before))
    expect(after.length).toBeGreaterThan(before.length)
    expect((await generate('--policy-uri', URI, '--out', 'both', '--check')).code).toBe(0)
    expect((await generate('--policy-uri', URI, '--out', 'both', '--for', 'kyverno', '--check')).code).toBe(0)
  })

  test.each([
    ['another engine', ['--for', 'opa']],
    ['--check without a folder', ['--check']],
    ['a namespace that is none', ['--namespace', 'Prod']],
    ['a policy without a name', ['--policy-uri', 'policy.yml']],
  ])('refuses %s', async (_what, words) => {
    expect((await refused(...words)).code).toBe('entry/usage')
  })
})
