import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { utf8 } from '../src/core/bytes.ts'
import { CATALOGUE } from '../src/core/catalogue.ts'
import { buildOptions } from '../src/entry/build-options.ts'
import { readAttestInputs } from '../src/github/attest-inputs.ts'
import { BUILD_OPTIONS } from '../src/github/build-option-inputs.ts'
import { readDockerfile } from '../src/materials/dockerfile/instructions.ts'

const ROOT = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const PAGE = read('docs/build.md')
const blocks = (kind: string) =>
  [...PAGE.matchAll(new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, text = '']) => text)
const steps = blocks('yaml step').map(
  text => (parse(text) as readonly [{ readonly with: Readonly<Record<string, string>> }])[0].with,
)

test('every block of docs/build.md is of a kind that a test reads, and every option of a build has an example', () => {
  const all = [...PAGE.matchAll(/^\s*```(\S.*)$/gm)].map(([, info = '']) => info)
  expect(all.filter(info => !['yaml step', 'dockerfile file=Dockerfile'].includes(info))).toEqual([])
  const given = new Set(steps.flatMap(step => Object.keys(step)))
  expect(BUILD_OPTIONS.filter(name => !given.has(name))).toEqual([])
})

test.each(steps.map((step, at) => [at + 1, step] as const))('step %i is one that Waybill reads', (_, step) => {
  const { inputs } = parse(read('action.yml')) as { readonly inputs: object }
  expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(step)))
  // As the runner fills it in: in quotes a key of several lines.
  const values = Object.entries(step).map(([name, value]) => [
    `INPUT_${name.toUpperCase()}`,
    value.replaceAll(/\$\{\{[^}]*\}\}(?!")/g, 'value').replaceAll(/\$\{\{[^}]*\}\}/g, 'one\ntwo'),
  ])
  const asked = readAttestInputs({ ...Object.fromEntries(values), SSH_AUTH_SOCK: '/tmp/agent' })
  if (step.secrets !== undefined) expect(asked.secrets.get('deploy.pem')).toBe('one\ntwo')
  const context = { temporary: '/temp', workspace: '/work', ref: 'refs/heads/main', event: { kind: 'push' } }
  expect(Object.keys(buildOptions(asked, context as never, 'app')).length).toBeGreaterThan(0)
})

test('every Dockerfile of docs/build.md is one', () => {
  for (const text of blocks('dockerfile file=Dockerfile'))
    expect(
      readDockerfile(utf8(text.startsWith('FROM') ? text : `FROM scratch\n${text}`)).instructions.length,
    ).toBeGreaterThan(1)
})

test('every code that docs/build.md names exists', () => {
  const codes = [...PAGE.matchAll(/`((?:build|registry)\/[a-z-]+)`/g)].map(([, code = '']) => code)
  expect(codes.length).toBeGreaterThan(8)
  expect(codes.filter(code => !Object.hasOwn(CATALOGUE, code))).toEqual([])
})
