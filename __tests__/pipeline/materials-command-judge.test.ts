import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import { parseManifest } from '../../src/materials/manifest/parse.ts'
import { verifyFiles } from '../../src/pipeline/materials-command-judge.ts'
import type { JudgedFiles, JudgePorts } from '../../src/pipeline/materials-command-request.ts'
import type { JudgedMaterial } from '../../src/pipeline/materials-outcome.ts'
import { lawFromFile } from '../../src/policy/law.ts'
import { renderMaterials } from '../../src/report/materials-table.ts'
import { renderResult } from '../../src/report/result.ts'
import { breaks, type Schema } from '../report/schema.ts'

const SCHEMA = JSON.parse(readFileSync(join(import.meta.dirname, '../../schemas/result.json'), 'utf8')) as Schema
const A = 'ab'.repeat(32)
const PATH = '.github/waybill.materials.yml'

const image = (name: string, rest: Partial<JudgedMaterial>): JudgedMaterial => ({
  name,
  kind: 'image',
  uri: `docker-image://${name}`,
  places: ['Dockerfile:1'],
  digest: { sha256: A },
  verdict: 'passed',
  findings: [],
  ...rest,
})

function checkout(dockerfile: string, manifest?: string): JudgedFiles {
  const bytes = utf8(manifest ?? '')
  return {
    dockerfile: { path: 'Dockerfile', bytes: utf8(dockerfile) },
    builds: [
      { buildArgs: new Map(), contexts: new Map(), buildPlatform: 'linux/amd64', targetPlatform: 'linux/amd64' },
    ],
    policy: {
      path: 'waybill.yml',
      law: lawFromFile(
        utf8('version: 1\nmaterials: [{match: "https://example.com/**"}]\n'),
        'waybill.yml',
        () => undefined,
      ),
    },
    ...(manifest === undefined
      ? {}
      : { manifest: { path: PATH, bytes, digest: sha256(bytes), items: parseManifest(bytes, PATH) } }),
    contextPaths: ['package-lock.json'],
  }
}

const ports = (images: readonly JudgedMaterial[], asked: unknown[] = []): JudgePorts => ({
  images: async request => {
    asked.push(request)
    return { images: images.map(judged => ({ judged })), pulls: [] }
  },
  bring: async ({ items }) =>
    items.map(item => ({
      item,
      judged: {
        name: item.name,
        kind: 'url',
        uri: item.uri.canonical,
        places: [`${PATH}:3`],
        digest: { sha256: A },
        verdict: 'passed',
        findings: [],
        proof: { kind: 'digest' },
      },
    })),
  file: async () => undefined,
  folder: async () => '/nowhere',
  clock: () => 0,
})

const SIGNED = image('ghcr.io/acme/base:1', {
  proof: { kind: 'signature', keys: 'policy', by: 'alice@example.com', evidence: sha256('bundle') },
})
const PINNED = image('docker.io/library/node:24', { proof: { kind: 'digest' } })
const REFUSED = image(`ghcr.io/${'long/'.repeat(12)}name:1`, {
  verdict: 'rejected',
  digest: {},
  findings: [
    {
      code: 'verify/no-attestation',
      severity: 'reject',
      subject: 'x',
      message: 'Dockerfile:1: nobody signed it',
      remedy: 'Sign it.',
    },
  ],
})

test('verifyFiles() gives a result that meets the schema, with what it did not look at', async () => {
  const manifest = `version: 1\nmaterials:\n  - {name: t, uri: "https://example.com/t", digest: {sha256: ${A}}, use: {path: t}}\n`
  const receipt = await verifyFiles(checkout('FROM node:24\n', manifest), ports([SIGNED, PINNED]))
  expect(breaks(SCHEMA, JSON.parse(renderResult(receipt)))).toEqual([])
  expect([receipt.verdict, receipt.materials?.items.map(({ proof }) => proof)]).toEqual([
    'passed',
    ['signed', 'pinned', 'pinned'],
  ])
  expect(receipt.notChecked.join('\n')).toContain('package-lock.json (npm)')
  expect(receipt.notChecked.join('\n')).toContain('files were read as they lie here')
})

test.each([
  [[], 'passed'],
  [[SIGNED, REFUSED], 'rejected'],
  [[SIGNED, image('x.example/y:1', { verdict: 'unknown', digest: {} })], 'unknown'],
] as const)('the verdict is the worst of all materials (%#)', async (images, verdict) => {
  expect((await verifyFiles(checkout('FROM scratch\n'), ports(images))).verdict).toBe(verdict)
})

test('named contexts of the manifest reach the judgement of images', async () => {
  const manifest = `version: 1\nmaterials:\n  - {name: b, uri: "docker-image://ghcr.io/acme/base:1", digest: {sha256: ${A}}, use: {build-context: base}}\n`
  const asked: { declared: Map<string, string>; builds: { contexts: Map<string, string> }[] }[] = []
  await verifyFiles(checkout('FROM base\n', manifest), ports([], asked))
  expect([...(asked[0]?.declared ?? [])]).toEqual([['ghcr.io/acme/base:1', `sha256:${A}`]])
  expect(asked[0]?.builds[0]?.contexts.get('base')).toBe(`docker-image://ghcr.io/acme/base:1@sha256:${A}`)
})

test('renderMaterials() is a table that fits 80 columns, what is refused first, and whole names', async () => {
  const receipt = await verifyFiles(checkout('FROM scratch\n'), ports([SIGNED, PINNED, REFUSED]))
  const lines = renderMaterials(receipt, { colour: false, columns: 80 }).split('\n')
  expect(lines[0]).toBe('materials verify: rejected (3 materials: 1 rejected, 1 signed, 1 pinned)')
  expect(lines.slice(2, 8)).toEqual([
    'verdict   proof     name                                          digest',
    `rejected  –         ${REFUSED.name}`,
    `${' '.repeat(66)}–`,
    '                    at Dockerfile:1',
    '  └─ verify/no-attestation: Dockerfile:1: nobody signed it.',
    '     → Sign it.',
  ])
  expect(lines).toContain(`passed    signed    ghcr.io/acme/base:1${' '.repeat(27)}sha256:abababababab`)
  expect(lines).toContain('                    by alice@example.com')
  expect(lines.filter(line => line.length > 80 + 5 && !line.includes('long/'))).toEqual([])
  expect(renderMaterials(await verifyFiles(checkout('FROM scratch\n'), ports([])), { colour: true })).toContain(
    '(nothing is pulled in)',
  )
})
