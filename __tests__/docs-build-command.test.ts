import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { evaluateBake } from '../src/build/bake.ts'
import { readBakePrint } from '../src/build/bake-print.ts'
import { CommandBuilder } from '../src/build/command.ts'
import { utf8 } from '../src/core/bytes.ts'
import { CATALOGUE } from '../src/core/catalogue.ts'
import { asWaybillError } from '../src/core/error.ts'
import { LIMITS } from '../src/core/limits.ts'
import { readAttestInputs } from '../src/github/attest-inputs.ts'
import { parsePolicy } from '../src/policy/parse.ts'
import { request, world } from './build/support.ts'

/** docs/build-command.md and docs/bake.md: what they show is read by the code, and what they list is what the code has. */
const ROOT = join(import.meta.dirname, '..')
/** A program that shows its environment, as any of a job would. */
const FOLDER = mkdtempSync(join(tmpdir(), 'waybill-docs-'))
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }))
const program = (name: string, body: string) =>
  writeFileSync(join(FOLDER, name), `#!${process.execPath}\n${body}\n`, { mode: 0o755 })
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const COMMAND = read('docs/build-command.md')
const BAKE = read('docs/bake.md')

type Step = { readonly uses: string; readonly with: Readonly<Record<string, string>> }
const blocks = (page: string): readonly string[] =>
  [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)
/** Rows of the table whose head begins so, its cells without the head. */
const table = (page: string, head: string): readonly (readonly string[])[] => {
  const [, rows = ''] = new RegExp(`^\\| ${head} \\|.*\\n\\|[-|]*\\|\\n((?:\\|.*\\n)+)`, 'm').exec(page) ?? []
  return rows.split('\n').flatMap(row => (row === '' ? [] : [row.slice(2, -2).split(' | ')]))
}
const words = (cell = ''): readonly string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word)
const env = (inputs: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]))
const codeOf = (work: () => unknown): string | undefined => {
  try {
    work()
    return undefined
  } catch (error) {
    return asWaybillError(error).code
  }
}

test.each([
  ['docs/build-command.md', COMMAND, 8],
  ['docs/bake.md', BAKE, 1],
])('every block of %s is YAML, and its codes are some that there are', (_, page, least) => {
  expect([...page.matchAll(/^```(\S.*)$/gm)].map(([, info]) => info).filter(info => info !== 'yaml')).toEqual([])
  for (const text of blocks(page)) expect(() => parse(text)).not.toThrow()
  const codes = [...page.matchAll(/`((?:build|entry)\/[a-z-]+)`/g)].map(([, code = '']) => code)
  expect(codes.length).toBeGreaterThanOrEqual(least)
  expect(codes.filter(code => !Object.hasOwn(CATALOGUE, code))).toEqual([])
})

describe('docs/build-command.md', () => {
  const [job = '', rule = ''] = blocks(COMMAND)

  test('its job runs ko with inputs that Waybill reads, and has no right to an identity token', () => {
    const { permissions, steps } = parse(job) as { permissions: object; steps: readonly Step[] }
    expect(Object.keys(permissions)).not.toContain('id-token')
    const { inputs } = parse(read('action.yml')) as { readonly inputs: object }
    const given = steps.at(-1)?.with ?? {}
    expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(given)))
    const asked = readAttestInputs({ ...env(given), SIGNING_KEY: 'x' })
    expect([asked.builder, asked.command?.[0], asked.imageRefs]).toEqual(['command', 'ko', 'images.txt'])
  })

  test('its rule is one that a gate reads, and names the builder', () => {
    const text = `version: 1\ndeploy:\n  - match: "ghcr.io/acme/**"\n    require: [provenance]\n${rule.replaceAll(/^/gm, '    ')}\n`
    const [found] = parsePolicy(utf8(text), '.github/waybill.yml').deploy
    expect(JSON.stringify(found)).toContain('"builders":["command"]')
  })

  test('each tool’s command is one that is taken as it stands, with what it leaves', () => {
    const tools = table(COMMAND, 'tool')
    expect(tools).toHaveLength(6)
    for (const [tool = '', how, leaves] of tools) {
      const [command = ''] = words(how)
      const [, name = '', path = ''] = /^([a-z-]+): (.+)$/.exec(words(leaves)[0] ?? '') ?? []
      const asked = readAttestInputs(env({ command, [name]: path, key: '/key' }))
      expect([tool, asked.builder, asked.command]).toEqual([tool, 'command', command.split(' ')])
      expect([asked.imageRefs, asked.layout].filter(found => found !== undefined)).toEqual([path])
    }
  })

  test('a sign of a shell is refused on one line, and is text on several', () => {
    const [, listed = ''] =
      /Quotes, (.*) and other signs of a shell are refused: there is no shell \|$/m.exec(COMMAND) ?? []
    expect(words(listed)).toHaveLength(4)
    for (const sign of ['"', "'", ...words(listed)]) {
      const leaves = { 'image-refs': 'x' }
      expect(codeOf(() => readAttestInputs(env({ command: `ko ${sign}x`, ...leaves })))).toBe('entry/input-malformed')
      const several = readAttestInputs(env({ command: `ko\n${sign}x y\nz`, ...leaves }))
      expect(several.command).toEqual(['ko', `${sign}x y`, 'z'])
    }
    expect(readAttestInputs(env({ command: 'env GOFLAGS=-mod=vendor ko build', 'image-refs': 'x' })).command?.[0]).toBe(
      'env',
    )
  })

  test('its table of variables is the whole environment of the command, and no other of the job gets there', async () => {
    const listed = table(COMMAND, 'variable').flatMap(([cell]) => words(cell).map(word => word.replace(/=.*/, '')))
    const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy']
    const certificates = ['SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS']
    expect(COMMAND).toContain('proxies, certificate files')
    const refused = ['GITHUB_TOKEN', 'ACTIONS_RUNTIME_TOKEN', 'INPUT_KEY', 'RUNNER_TEMP', 'SIGNING_KEY']
    const all = Object.fromEntries([...listed, ...proxies, ...certificates, ...refused].map(name => [name, 'x']))
    const build = { images: ['ghcr.io/acme/app', 'b.example/app'], push: true, sourceDateEpoch: 7 }
    program('show', "require('node:fs').writeFileSync('seen', JSON.stringify(process.env))")
    const order = { argv: ['show'], writes: { kind: 'layout', path: 'none' } } as const
    const builder = new CommandBuilder(order, { ...world(), env: { ...all, PATH: FOLDER } }, {} as never)
    const ended = builder.build(request({ ...build, commitFolder: FOLDER }))
    await expect(ended).rejects.toMatchObject({ code: 'build/command-result-missing' })
    const given = JSON.parse(readFileSync(join(FOLDER, 'seen'), 'utf8'))
    expect(Object.keys(given).sort()).toEqual([...listed, ...proxies, ...certificates].sort())
    expect(given).toMatchObject({
      WAYBILL_IMAGE: build.images[0],
      WAYBILL_PUSH: 'true',
      SOURCE_DATE_EPOCH: '7',
      LC_ALL: 'C',
    })
  })

  test('after three hours it is ended, as the page says', () => {
    expect(COMMAND).toMatch(/after three hours it is\s+ended/)
    expect(LIMITS.commandMs).toBe(3 * 60 * 60 * 1000)
  })
})

describe('docs/bake.md', () => {
  test('its step sets inputs that Waybill reads', () => {
    const [[step]] = blocks(BAKE).map(text => parse(text)) as unknown as readonly [readonly [Step]]
    expect(readAttestInputs(env(step.with)).bake).toEqual({ file: 'docker-bake.hcl', target: 'app' })
  })

  test('what it says twice is a contradiction, and the inputs that it says are added are not', () => {
    const [, twice = ''] = /^`bake` with (.*) is refused\.$/m.exec(BAKE) ?? []
    const values: Readonly<Record<string, string>> = {
      network: 'none',
      'build-contexts': 'a=b',
      platforms: 'linux/amd64',
    }
    const bake = 'docker-bake.hcl app'
    expect(words(twice)).toHaveLength(6)
    for (const name of words(twice))
      expect([name, codeOf(() => readAttestInputs(env({ bake, [name]: values[name] ?? 'x' })))]).toEqual([
        name,
        'entry/input-contradiction',
      ])
    const added = { 'build-args': 'A=b', labels: 'a.b=c', annotations: 'a.b=c' }
    for (const name of Object.keys(added)) expect(BAKE).toContain(`\`${name}\``)
    expect(codeOf(() => readAttestInputs(env({ bake, ...added })))).toBeUndefined()
  })

  test('its table of variables is what the evaluation sees', async () => {
    const listed = table(BAKE, 'variable').flatMap(([cell]) => words(cell))
    const own = Object.fromEntries(listed.filter(name => name.startsWith('WAYBILL_')).map(name => [name, 'x']))
    program('docker', 'console.log(JSON.stringify({ target: { app: { args: process.env } } }))')
    const job = { PATH: FOLDER, HOME: '/root', GITHUB_TOKEN: 'x', DOCKER_CONFIG: '/docker' }
    const question = { file: 'docker-bake.hcl', bytes: utf8(''), target: 'app', variables: own }
    const { buildArgs: seen } = await evaluateBake(question, job, FOLDER)
    expect(Object.keys(seen).sort()).toEqual([...listed].sort())
    const pipeline = read('src/pipeline/bake.ts')
    const set = [...pipeline.matchAll(/^ {4}(WAYBILL_[A-Z]+):/gm)].map(([, name = '']) => name)
    expect(set.sort()).toEqual(Object.keys(own).sort())
  })

  test('each field of its table is taken, not used, or refused as it says', () => {
    const values: Readonly<Record<string, unknown>> = {
      ...{ context: 'app', dockerfile: 'Dockerfile', target: 'final', description: 'x', network: 'none' },
      ...{ args: { A: 'b' }, labels: { a: 'b' }, contexts: { lib: 'lib' }, platforms: ['linux/amd64'] },
      ...{ annotations: ['a=b'], secret: [{ id: 'token' }], 'no-cache': true },
    }
    const rows = table(BAKE, 'field')
    expect(rows.length).toBeGreaterThan(8)
    // By `inherits` buildx itself has made one target of several before it prints.
    for (const [cell, told = ''] of rows)
      for (const field of words(cell).filter(name => name !== 'inherits')) {
        const print = utf8(JSON.stringify({ target: { app: { [field]: values[field] ?? ['x'] } } }))
        const refused = told.startsWith('refused')
        expect([field, codeOf(() => readBakePrint(print, 'app'))]).toEqual([
          field,
          refused ? 'build/bake-refused' : undefined,
        ])
        if (!refused)
          expect([field, readBakePrint(print, 'app').unused]).toEqual([
            field,
            told.startsWith('not used') ? [field] : [],
          ])
      }
  })
})
