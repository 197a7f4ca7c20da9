import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { parse } from 'yaml'
import { PLANNED_PLATFORMS } from '../src/build/plan.ts'
import { utf8 } from '../src/core/bytes.ts'
import { CATALOGUE } from '../src/core/catalogue.ts'
import { readVerifyImage } from '../src/entry/commands/verify-image.ts'
import { VERIFY_OPTIONS } from '../src/entry/verify-options.ts'
import { parsePolicy } from '../src/policy/parse.ts'

const ROOT = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const WORKFLOW = read('docs/workflow.md')
const SLSA = read('docs/slsa.md')
const BUILD = parse(read('.github/workflows/build.yml'))
const { inputs, secrets, outputs } = BUILD.on.workflow_call

const blocks = (page: string): readonly string[] =>
  [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)

test('docs/workflow.md names every input, secret, output and platform, and no other', () => {
  const named = [...WORKFLOW.matchAll(/^\| (`[a-z`, -]+`) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([a-z-]+)`/g)].map(([, name = '']) => name),
  )
  const jobs = Object.keys(BUILD.jobs)
  expect(named.filter(name => !jobs.includes(name)).sort()).toEqual(
    [...Object.keys(inputs), ...Object.keys(secrets)].sort(),
  )
  for (const name of Object.keys(outputs)) expect(WORKFLOW).toMatch(new RegExp(`Outputs:.*\`${name}\``))
  for (const platform of PLANNED_PLATFORMS) expect(WORKFLOW).toContain(platform)
})

test('the workflows of docs/workflow.md give inputs that there are, and every right that a job of the called one asks for', () => {
  const callers = blocks(WORKFLOW).filter(text => text.startsWith('name:'))
  expect(callers).toHaveLength(2)
  const asked = new Map<string, string>()
  for (const { permissions } of Object.values(BUILD.jobs) as { permissions: Record<string, string> }[])
    for (const [right, level] of Object.entries(permissions))
      asked.set(right, asked.get(right) === 'write' ? 'write' : level)
  for (const text of callers) {
    const { image } = parse(text).jobs
    expect(image.uses).toMatch(/^OWNER\/waybill\/\.github\/workflows\/build\.yml@[0-9a-f]{40}$/)
    expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(image.with)))
    expect(image.permissions).toEqual(Object.fromEntries(asked))
  }
})

test('docs/workflow.md names codes that there are', () => {
  const codes = [...WORKFLOW.matchAll(/`((?:build|registry)\/[a-z-]+)`/g)].map(([, code = '']) => code)
  expect(codes.length).toBeGreaterThan(6)
  expect(Object.keys(CATALOGUE)).toEqual(expect.arrayContaining(codes))
})

test('the command line of docs/slsa.md is one that Waybill reads', () => {
  const line = SLSA.split('\n').find(text => text.startsWith('    waybill verify image ')) ?? ''
  const words = line
    .trim()
    .split(' ')
    .slice(3)
    .map(word => word.replace('DIGEST', 'a'.repeat(64)))
  const { values, positionals } = parseArgs({ args: words, options: VERIFY_OPTIONS, allowPositionals: true })
  const { images, flags } = readVerifyImage({ values, references: positionals } as never)
  expect(images).toEqual([`ghcr.io/acme/app@sha256:${'a'.repeat(64)}`])
  expect(flags).toMatchObject({ require: ['signature', 'provenance'], repositoryId: '4711' })
})

test('the policy of docs/slsa.md is one that Waybill reads: signer by commit, caller by ref', () => {
  const [policy = ''] = blocks(SLSA)
  const [rule] = parsePolicy(utf8(policy), '.github/waybill.yml').deploy
  expect(JSON.stringify(rule)).toContain('"commit":"0123456789abcdef0123456789abcdef01234567"')
  expect(JSON.stringify(rule)).toContain('github-hosted')
})
