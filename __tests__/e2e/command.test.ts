import { type ChildProcess, execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { jest } from '@jest/globals'
import { hexOf, parseDigest } from '../../src/core/digest.ts'
import { writeLayout } from '../fakes/layout.ts'
import type { RunOptions } from '../fakes/runner.ts'
import { type Inputs, type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'
import { certificateRequests, cleanGround, codeOf, expectNoSecret, heldBy, keptBundles } from './aftermath.ts'

jest.setTimeout(60_000)

const GITHUB_TOKEN = 'ghs_0123456789abcdefghijklmnopqrstuvwxyz'
const KEYLESS: Inputs = { key: undefined, 'transparency-log': undefined }
let scenario: Scenario
let key: string

beforeAll(async () => {
  scenario = await startScenario()
  key = join(scenario.stack.folder, 'image.key')
  execFileSync('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${key}.ec`])
  execFileSync('openssl', ['pkcs8', '-topk8', '-nocrypt', '-in', `${key}.ec`, '-out', key])
})
afterAll(() => scenario.close())
beforeEach(() => cleanGround(scenario))

/**
 * Bob commits a script that pushes like the tool does, or writes like it. It is Node: `push(platforms)` puts a layout into the
 * registry and returns its digests, `image` is the repository that it was told.
 */
async function commit(body: string): Promise<void> {
  scenario.repository.commit({
    message: 'Change how it is built',
    signer: scenario.bob,
    name: 'Bob',
    email: 'bob@example.com',
    files: { 'build.sh': scriptOf(body) },
  })
  await scenario.publish()
}

/** The layouts lie ready outside of the commit, as what a tool takes from its own caches. */
function scriptOf(body: string): string {
  return `#!${process.execPath}
const fs = require('node:fs'), path = require('node:path')
const image = process.env.WAYBILL_IMAGE, [host] = image.split('/'), name = image.slice(host.length + 1)
const layouts = ${JSON.stringify({ one: layout('one').folder, many: layout('many').folder })}
const read = (folder, digest) => fs.readFileSync(path.join(folder, 'blobs', 'sha256', digest.slice(7)))
async function put(folder, { digest, mediaType }) {
  const bytes = read(folder, digest), manifest = JSON.parse(bytes)
  for (const child of manifest.manifests ?? []) await put(folder, child)
  for (const blob of manifest.config ? [manifest.config, ...manifest.layers] : []) {
    const begun = await fetch('http://' + host + '/v2/' + name + '/blobs/uploads/', { method: 'POST' })
    const to = new URL(begun.headers.get('location'), 'http://' + host)
    to.searchParams.set('digest', blob.digest)
    await fetch(to, { method: 'PUT', body: read(folder, blob.digest), headers: { 'content-type': 'application/octet-stream' } })
  }
  const done = await fetch('http://' + host + '/v2/' + name + '/manifests/' + digest, { method: 'PUT', body: bytes, headers: { 'content-type': mediaType } })
  if (!done.ok) throw new Error('the registry says ' + done.status)
  return [digest, ...(manifest.manifests ?? []).map(child => child.digest)]
}
const push = which => put(layouts[which], JSON.parse(fs.readFileSync(path.join(layouts[which], 'index.json'))).manifests[0])
;(async () => {
${body}
})().catch(error => { console.error(error); process.exit(1) })
`
}

function layout(name: 'one' | 'many') {
  const platforms = name === 'one' ? ['linux/amd64'] : ['linux/amd64', 'linux/arm64']
  return writeLayout(join(scenario.stack.folder, 'layouts', name), { content: name, platforms })
}

/** Signed with a key, so that no token is asked for; in a job without one. */
function attest(
  inputs: Inputs = {},
  run: RunOptions = {},
  started?: (child: ChildProcess) => void,
): Promise<StepResult> {
  return scenario.attest(
    { command: './build.sh', tags: 'v1', key, 'transparency-log': 'none', 'image-refs': 'images.txt', ...inputs },
    { idToken: false, ...run },
    started,
  )
}

function outcomeOf(step: StepResult): readonly unknown[] {
  expectNoSecret(step, [GITHUB_TOKEN])
  return [step.code, codeOf(step)]
}

interface Statement {
  readonly predicateType: string
  readonly predicate: { readonly buildDefinition: Record<string, Record<string, Record<string, unknown>>> }
}

function statementsOf(step: StepResult): readonly Statement[] {
  return (keptBundles(step) as { dsseEnvelope: { payload: string } }[]).map(({ dsseEnvelope }) =>
    JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString()),
  )
}

function definitionOf(step: StepResult): Statement['predicate']['buildDefinition'] {
  const found = statementsOf(step).find(({ predicateType }) => predicateType === 'https://slsa.dev/provenance/v1')
  if (found === undefined) throw new Error('there is no provenance')
  return found.predicate.buildDefinition
}

const lines = "fs.writeFileSync('images.txt', digests.map(digest => image + '@' + digest + '\\n').join(''))"

describe('the tools', () => {
  test.each([
    ['ko, one platform', `const digests = await push('one'); ${lines}`, 'one', {}],
    ['ko, several platforms', `const digests = await push('many'); ${lines}`, 'many', {}],
    [
      'apko',
      `const digests = (await push('many')).reverse(); fs.writeFileSync('images.txt', digests.map(digest => image + '@' + digest).join('\\n'))`,
      'many',
      {},
    ],
    [
      'jib',
      `const [imageDigest] = await push('one'); fs.mkdirSync('target'); fs.writeFileSync('target/jib-image.json', JSON.stringify({ image: image + ':latest', imageId: imageDigest, imageDigest, tags: ['latest'], imagePushed: true }))`,
      'one',
      { 'image-refs': 'target/jib-image.json' },
    ],
    [
      'jib, its digest file',
      `const [digest] = await push('one'); fs.mkdirSync('target'); fs.writeFileSync('target/jib-image.digest', digest)`,
      'one',
      { 'image-refs': 'target/jib-image.digest' },
    ],
    [
      'bazel with rules_oci, a layout behind a link',
      `fs.mkdirSync('out/app', { recursive: true }); fs.cpSync(layouts.many, 'out/app/image', { recursive: true }); fs.symlinkSync(path.resolve('out'), 'bazel-bin')`,
      'many',
      { 'image-refs': undefined, layout: 'bazel-bin/app/image' },
    ],
    [
      'nix, a layout that result leads to',
      `fs.symlinkSync(layouts.one, 'result')`,
      'one',
      { 'image-refs': undefined, layout: 'result' },
    ],
  ] as const)('%s: its image is signed, tagged and recorded', async (_, body, which, inputs) => {
    await commit(body)
    const step = await attest(inputs)
    expect(outcomeOf(step)).toEqual([0, undefined])
    expect(step.outputs.digest).toBe(layout(which).digest)
    expect(heldBy(scenario).tags).toContain('v1')
    expect(step.result.image?.builder).toBe('command')
  })

  test('13-adversary 15: what a command made is recorded, claims no commit, and counts only where a rule names it', async () => {
    await commit(`const digests = await push('one'); ${lines}`)
    const step = await attest({ ...KEYLESS, 'command-isolation': 'none' }, { idToken: true })
    expect(outcomeOf(step)).toEqual([0, undefined])
    const { buildType, externalParameters, internalParameters, resolvedDependencies } = definitionOf(step)
    expect(buildType).toMatch(/recorded\/v1$/)
    expect(resolvedDependencies).toBeUndefined()
    expect(externalParameters?.claimedSource?.digest).toEqual({ gitCommit: scenario.repository.head() })
    expect(internalParameters?.waybill).toMatchObject({ builder: 'command', inputs: { imageRefs: 'images.txt' } })
    expect(JSON.stringify(internalParameters)).not.toContain('build.sh')
    expect(internalParameters?.waybill).not.toHaveProperty('context')
    const types = statementsOf(step).map(({ predicateType }) => predicateType)
    expect(types.filter(type => /verification_summary|scai|source/.test(type))).toEqual([])
    expect(step.result.stages.find(({ name }) => name === 'materials')?.state).toBe('not-asked')
    const flags = ['verify', 'image', step.outputs.image ?? '', ...scenario.expected, '--require', 'provenance']
    const byDefault = await scenario.cli(flags)
    expect([byDefault.code, byDefault.log]).toEqual([1, expect.stringContaining('verify/builder-not-allowed')])
    const folder = join(scenario.stack.folder, 'gate')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'root.json'), JSON.stringify(scenario.stack.trustedRoot))
    const { san = '', issuer = '' } = step.result.identity ?? {}
    for (const [builders, code] of [
      ['', 1],
      [', builders: [buildx, buildah]', 1],
      [', builders: [command]', 0],
    ] as const) {
      const rule = `{ match: ["${scenario.image}"], trust: { file: root.json }, require: [provenance],
        build: { sigstore: { identity: "${san}", issuer: "${issuer}" }${builders} } }`
      writeFileSync(join(folder, 'policy.yml'), `version: 1\ndeploy:\n  - ${rule}\n`)
      const gate = await scenario.cli([...flags.slice(0, 3), '--policy', join(folder, 'policy.yml')])
      expect([builders, gate.code]).toEqual([builders, code])
    }
  })
})

test('an image in one repository is copied to the others, and signed there as well', async () => {
  await commit(`const digests = await push('many'); ${lines}`)
  const other = `${scenario.image}-copy`
  const step = await attest({ images: `${scenario.image}\n${other}` })
  expect(outcomeOf(step)).toEqual([0, undefined])
  const copy = scenario.stack.registry.storage.open('acme/app-copy')
  for (const digest of [layout('many').digest, ...layout('many').children])
    expect(copy.manifests.has(digest)).toBe(true)
  expect(step.result.sinks?.filter(({ name, state }) => name === 'registry' && state === 'passed')).toHaveLength(2)
})

test('a run that pushes nothing takes the word of the command, and signs nothing', async () => {
  await commit(`console.log('push: ' + process.env.WAYBILL_PUSH)
fs.writeFileSync('images.txt', image + '@' + ${JSON.stringify(layout('one').digest)})`)
  const step = await attest({ push: 'false', tags: undefined, key: undefined, 'transparency-log': undefined })
  expect(outcomeOf(step)).toEqual([0, undefined])
  expect(step.log).toContain('push: false')
  expect([step.outputs.digest, heldBy(scenario).manifests]).toEqual([layout('one').digest, 0])
})

describe('13-adversary 16: an identity token', () => {
  const mint = `
const environ = Object.keys(process.env).filter(name => /TOKEN|ACTIONS|INPUT|GITHUB|RUNNER/.test(name))
console.log('own environment: ' + JSON.stringify(environ))
const parent = fs.readFileSync('/proc/' + process.ppid + '/environ', 'utf8').split('\\0')
const of = name => (parent.find(item => item.startsWith(name + '=')) ?? '').slice(name.length + 1)
const url = of('ACTIONS_ID_TOKEN_REQUEST_URL')
const got = url === '' ? '' : await (await fetch(url + '&audience=sigstore', { headers: { authorization: 'bearer ' + of('ACTIONS_ID_TOKEN_REQUEST_TOKEN') } })).json()
console.log('minted: ' + (typeof got.value === 'string'))
const digests = await push('one'); ${lines}`

  test('is neither in its environment nor, where none is granted, in that of its parent', async () => {
    await commit(mint)
    const step = await attest(
      { 'github-token': GITHUB_TOKEN },
      { env: { GITHUB_TOKEN, ACTIONS_RUNTIME_TOKEN: 'runtime-token' } },
    )
    expect(outcomeOf(step)).toEqual([0, undefined])
    expect(step.log).toContain('own environment: []')
    expect(step.log).toContain('minted: false')
    expect(definitionOf(step).internalParameters?.waybill).not.toHaveProperty('commandIsolation')
  })

  test('keyless in one job the command is refused before it runs', async () => {
    await commit(mint)
    const step = await attest(KEYLESS, { idToken: true })
    expect(outcomeOf(step)).toEqual([3, 'build/command-isolation'])
    expect(step.log).not.toContain('own environment')
    expect(step.log).toContain('command-isolation: none')
    expect([heldBy(scenario).manifests, certificateRequests(scenario)]).toEqual([0, 0])
  })

  test('with command-isolation: none it can be had, and that is said and recorded', async () => {
    await commit(mint)
    const step = await attest({ ...KEYLESS, 'command-isolation': 'none' }, { idToken: true })
    expect(outcomeOf(step)).toEqual([0, undefined])
    expect(step.log).toContain('own environment: []')
    expect(step.log).toContain('minted: true')
    expect(step.summary).toContain('command-isolation: none')
    expect(step.summary).toContain('could have signed anything')
    expect(definitionOf(step).internalParameters?.waybill).toMatchObject({ commandIsolation: 'none' })
  })

  test('that a job grants beside a key is recorded, too', async () => {
    await commit(mint)
    const step = await attest({}, { idToken: true })
    expect(outcomeOf(step)).toEqual([0, undefined])
    expect(definitionOf(step).internalParameters?.waybill).toMatchObject({ commandIsolation: 'none' })
  })
})

describe('a command', () => {
  test('whatever it prints commands nothing', async () => {
    await commit(`process.stdout.write('::add-mask::hello\\n::set-output name=digest::evil\\n::stop-commands::x\\n##[add-path]/evil\\n')
const digests = await push('one'); ${lines}`)
    const step = await attest()
    expect(outcomeOf(step)).toEqual([0, undefined])
    expect(step.log).toContain('set-output name=digest::evil')
    const commands = step.log.split(/\r?\n/).filter(line => /^\s*(::|##\[)/.test(line))
    expect(commands.filter(line => /evil|::x$|hello/.test(line))).toEqual([])
  })

  test('runs neither in the workspace nor in anything that a statement speaks of, and what it changes there changes neither', async () => {
    await commit(`fs.writeFileSync('hello.txt', 'evil')
console.log('runs in: ' + process.cwd() + ' with ' + fs.readdirSync('.').sort())
const digests = await push('one'); ${lines}`)
    const step = await attest({}, {}, child => writeFileSync(`/proc/${child.pid}/cwd/of-the-workspace`, ''))
    expect(outcomeOf(step)).toEqual([0, undefined])
    const [, folder = '', names] = /^runs in: (\S+) with (\S+)$/m.exec(step.log) ?? []
    expect(names).toBe('.github,Dockerfile,build.sh,hello.txt')
    expect(relative(realpathSync(step.run.workspace), folder)).toMatch(/^\.\.\//)
    expect(readdirSync(step.run.workspace)).toEqual(['of-the-workspace'])
    // A folder of this run alone, which really was changed.
    expect(relative(realpathSync(step.run.folder), folder)).not.toMatch(/^\.\./)
    expect(readFileSync(join(folder, 'hello.txt'), 'utf8')).toBe('evil')
    const head = scenario.repository.head()
    expect(definitionOf(step).externalParameters?.claimedSource?.digest).toEqual({ gitCommit: head })
    expect(scenario.repository.git('show', `${head}:hello.txt`)).not.toContain('evil')
    // The commit by its id and the image by its digest: no statement has a digest of files, changed or not.
    const said = JSON.stringify(statementsOf(step))
    expect(new Set(said.match(/"[A-Za-z0-9]+":"[0-9a-f]{40,64}"/g))).toEqual(
      new Set([`"gitCommit":"${head}"`, `"sha256":"${hexOf(parseDigest(layout('one').digest))}"`]),
    )
  })

  test.each([
    ['exits 0 and writes nothing', '', 'build/command-result-missing', 2],
    [
      'names another repository',
      `const [digest] = await push('one'); fs.writeFileSync('images.txt', host + '/mallory/app@' + digest)`,
      'build/image-refs-foreign',
      1,
    ],
    [
      'names what it did not push',
      `fs.writeFileSync('images.txt', image + '@sha256:' + '0'.repeat(64))`,
      'build/image-refs-absent',
      1,
    ],
    [
      'names two images',
      `const digests = [...await push('one'), ...await push('many')]; ${lines}`,
      'build/image-refs-several',
      1,
    ],
    [
      'names a tag',
      `await push('one'); fs.writeFileSync('images.txt', image + ':v1')`,
      'build/image-refs-malformed',
      1,
    ],
    ['ends with an error', `const digests = await push('one'); ${lines}; process.exit(9)`, 'build/failed', 2],
  ] as const)('that %s signs and tags nothing', async (_, body, code, exit) => {
    await commit(body)
    const step = await attest()
    expect(outcomeOf(step)).toEqual([exit, code])
    expect([heldBy(scenario).tags, heldBy(scenario).referrers]).toEqual([[], []])
  })

  test('whose image is committed is refused', async () => {
    await commit('')
    scenario.repository.commit({
      message: 'Commit an image',
      signer: scenario.bob,
      name: 'Bob',
      email: 'bob@example.com',
      files: { 'images.txt': `${scenario.image}@sha256:${'a'.repeat(64)}\n` },
    })
    await scenario.publish()
    const step = await attest()
    expect(codeOf(step)).toBe('build/command-stale')
    scenario.repository.commit({
      message: 'Remove it',
      signer: scenario.bob,
      name: 'Bob',
      email: 'bob@example.com',
      files: { 'images.txt': null },
    })
    await scenario.publish()
  })
})
