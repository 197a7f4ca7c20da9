import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { writeLayout } from '../fakes/layout.ts'
import type { RunOptions } from '../fakes/runner.ts'
import { type Finished, type Inputs, type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'
import {
  certificateRequests,
  cleanGround,
  codeOf,
  expectNoSecret,
  heldBy,
  keptBundles,
  logEntries,
} from './aftermath.ts'

jest.setTimeout(60_000)

const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find(existsSync) ?? ''
const GITHUB_TOKEN = 'ghs_0123456789abcdefghijklmnopqrstuvwxyz'
let scenario: Scenario

beforeAll(async () => {
  scenario = await startScenario()
})
afterAll(() => scenario.close())
beforeEach(() => cleanGround(scenario))

type Files = Readonly<Record<string, string | Uint8Array | null>>

/** Bob commits and pushes these files; the step builds exactly that commit. */
async function commit(files: Files): Promise<string> {
  const id = scenario.repository.commit({
    message: 'Change what is built',
    signer: scenario.bob,
    name: 'Bob',
    email: 'bob@example.com',
    files,
  })
  await scenario.publish()
  return id
}

function attest(inputs: Inputs = {}, run: RunOptions = {}): Promise<StepResult> {
  return scenario.attest({ builder: 'buildah', tags: 'v1', ...inputs }, run)
}

function dockerfile(...lines: readonly string[]): string {
  return ['FROM scratch', 'COPY busybox.sh /bin/busybox', ...lines, ''].join('\n')
}

const sh = (command: string): string => `RUN ["/bin/busybox", "sh", "-c", ${JSON.stringify(command)}]`

function outcomeOf(step: StepResult): readonly unknown[] {
  expectNoSecret(step, [GITHUB_TOKEN])
  return [step.code, codeOf(step)]
}

function expectNothingPushed(step: StepResult): void {
  expect(heldBy(scenario)).toEqual({ tags: [], referrers: [], manifests: 0 })
  expect(certificateRequests(scenario)).toBe(0)
  expect([step.outputs.digest, step.outputs.tags, step.outputs['verify-command']]).toEqual(['', '', ''])
}

/** Files of the pushed image's layers, as `tar` lists and unpacks them. */
function unpack(step: StepResult, name: string): { readonly folder: string; readonly listing: string } {
  const store = scenario.stack.registry.storage.open('acme/app')
  const child = step.result.image?.platforms[0]?.digest ?? ''
  const manifest = JSON.parse(store.manifests.get(child)?.bytes.toString() ?? '{}')
  const folder = join(scenario.stack.folder, name)
  mkdirSync(folder)
  let listing = ''
  for (const { digest } of manifest.layers as { digest: string }[]) {
    const input = store.blobs.get(digest)
    listing += execFileSync('tar', ['-tvzf', '-'], { input }).toString()
    execFileSync('tar', ['-xzf', '-', '-C', folder, '--no-same-owner'], { input })
  }
  return { folder, listing }
}

interface Provenance {
  readonly predicateType: string
  readonly predicate: {
    readonly buildDefinition: {
      readonly buildType: string
      readonly externalParameters: { readonly claimedSource?: { readonly digest: Record<string, string> } }
      readonly resolvedDependencies?: readonly unknown[]
    }
  }
}

/** The provenance inside the bundles that the run kept. */
function provenanceOf(step: StepResult): Provenance {
  const bundles = keptBundles(step) as { dsseEnvelope: { payload: string } }[]
  const statements = bundles.map(({ dsseEnvelope }) =>
    JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString()),
  )
  return statements.find(({ predicateType }) => predicateType === 'https://slsa.dev/provenance/v1')
}

describe('a build', () => {
  test('whose step fails pushes and signs nothing and shows the last words of the step', async () => {
    // A name that ends so is committed as executable.
    await commit({
      'busybox.sh': readFileSync(BUSYBOX),
      Dockerfile: dockerfile(sh('echo $((40 + 2)) last words; exit 7')),
    })
    const step = await attest()
    expect(outcomeOf(step)).toEqual([2, 'build/failed'])
    expect(step.summary).toContain('42 last words')
    expect(step.summary).toContain('image: unknown')
    expectNothingPushed(step)
  })

  test('13-adversary 16: sees no token and no input of the job, and whatever it prints commands nothing', async () => {
    const printed = '::add-mask::hello\\n::set-output name=digest::evil\\n::stop-commands::x\\n##[add-path]/evil\\n'
    await commit({ Dockerfile: dockerfile(sh(`/bin/busybox env; /bin/busybox printf '${printed}'`)) })
    const env = { GITHUB_TOKEN, MY_SECRET: 'my-own-secret', ACTIONS_RUNTIME_TOKEN: 'runtime-token-of-the-job' }
    const step = await attest({ 'github-token': GITHUB_TOKEN }, { env })
    expect(outcomeOf(step)).toEqual([0, undefined])
    const [, inside = ''] = /^::stop-commands::(\w+)\r?\n([\s\S]*)^::\1::/m.exec(step.log)?.slice(1) ?? []
    expect(inside).toContain('set-output name=digest::evil')
    expect(inside).not.toMatch(/ACTIONS_|INPUT_|GITHUB_TOKEN|MY_SECRET|RUNNER_/)
    for (const secret of Object.values(env)) expect(inside).not.toContain(secret)
    const commands = step.log.split(/\r?\n/).filter(line => /^\s*(::|##\[)/.test(line))
    expect(commands.filter(line => /evil|::x$|hello/.test(line))).toEqual([])
    expect(step.outputs.digest).toMatch(/^sha256:[0-9a-f]{64}$/)
  })

  test('13-adversary 14: gets the bytes, modes and links of the commit, whatever attributes it carries', async () => {
    const text = '$Format:%H$ $Id$\r\nplain\n'
    symlinkSync('data/run.sh', join(scenario.repository.folder, 'link'))
    const id = await commit({
      '.gitattributes': 'left-out.txt export-ignore\n* text eol=crlf ident export-subst\n',
      'data/run.sh': '#!/bin/sh\necho hi\n',
      'data/text.txt': text,
      'left-out.txt': 'here\n',
      Dockerfile: 'FROM scratch\nCOPY data /data\nCOPY link left-out.txt /\n',
    })
    const step = await attest()
    expect(outcomeOf(step)).toEqual([0, undefined])
    const { folder, listing } = unpack(step, 'bytes')
    for (const name of ['data/run.sh', 'data/text.txt', 'left-out.txt']) {
      const blob = execFileSync('git', ['cat-file', 'blob', `${id}:${name}`], { cwd: scenario.repository.folder })
      expect(readFileSync(join(folder, name)).equals(blob)).toBe(true)
    }
    expect(listing).toMatch(/^-rwxr-xr-x .* data\/run\.sh$/m)
    expect(listing).toMatch(/^-rw-r--r-- .* data\/text\.txt$/m)
    expect(step.result.notChecked.join()).toContain('export')
  })

  test('of one commit is one digest, however often it is made', async () => {
    await commit({
      '.gitattributes': null,
      link: null,
      Dockerfile: dockerfile('COPY data /data', sh('echo x > /made')),
    })
    const first = await attest()
    const second = await attest({}, { claims: { run_id: '11997537999' } })
    expect([outcomeOf(first), outcomeOf(second)]).toEqual([
      [0, undefined],
      [0, undefined],
    ])
    expect(second.outputs.digest).toBe(first.outputs.digest)
    // Four statements of each run beside the index and beside its manifest; two of them are about the commit.
    const { tags, referrers } = heldBy(scenario)
    // What a later run looks for is left beside the move of the tag: either may be there first.
    expect(tags.toSorted()).toEqual(['v1', expect.stringMatching(/^waybill-source\.[0-9a-f]{12}$/)])
    expect(referrers).toHaveLength(16)
  })

  test.each<[string, Inputs, string, number, string]>([
    ['a missing Dockerfile', { file: 'docker/Dockerfile' }, 'build/dockerfile-missing', 3, 'Set `file`'],
    ['a missing context', { context: 'nowhere' }, 'build/context-missing', 3, 'Set `context`'],
    ['a context outside the commit', { context: '../..' }, 'build/path-escapes', 1, 'without “..”'],
    [
      'a token as build argument',
      { 'build-args': `T=ghp_${'a1B2'.repeat(9)}` },
      'build/argument-secret',
      1,
      'replace it',
    ],
    [
      'the job’s own token as build argument',
      { 'build-args': `T=x${GITHUB_TOKEN}` },
      'build/argument-secret',
      1,
      'can read it there',
    ],
    ['a platform that is an option', { platforms: '--privileged' }, 'build/request-malformed', 3, 'platform'],
  ])('with %s is refused before the builder starts', async (_what, inputs, code, exit, told) => {
    const step = await attest({ 'github-token': GITHUB_TOKEN, ...inputs })
    expect(outcomeOf(step)).toEqual([exit, code])
    expect(step.summary).toContain(told)
    expectNoSecret(step, ['a1B2'.repeat(9)])
    expectNothingPushed(step)
  })
})

describe('13-adversary 15: an image that was not built here', () => {
  function gate(step: StepResult, builders: string): Promise<Finished> {
    const folder = join(scenario.stack.folder, 'gate')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'root.json'), JSON.stringify(scenario.stack.trustedRoot))
    const { san = '', issuer = '' } = step.result.identity ?? {}
    const rule = `{ match: ["${scenario.image}"], trust: { file: root.json }, require: [provenance],
      build: { sigstore: { identity: "${san}", issuer: "${issuer}" }${builders} } }`
    writeFileSync(join(folder, 'policy.yml'), `version: 1\ndeploy:\n  - ${rule}\n`)
    return scenario.cli(['verify', 'image', step.outputs.image ?? '', '--policy', join(folder, 'policy.yml')])
  }

  test.each(['layout', 'none'] as const)(
    '%s: is recorded, claims no commit, and counts only where a rule names it',
    async builder => {
      const layout = writeLayout(join(scenario.stack.folder, `layout-${builder}`), { content: builder })
      const pushed = await scenario.attest({ layout: layout.folder, sign: 'false', 'signing-config': undefined })
      expect(outcomeOf(pushed)).toEqual([0, undefined])
      const given: Inputs = builder === 'layout' ? { layout: layout.folder } : { digest: layout.digest }
      const step = await scenario.attest({ ...given, tags: 'v1' })
      expect(outcomeOf(step)).toEqual([0, undefined])
      const { buildType, externalParameters, resolvedDependencies } = provenanceOf(step).predicate.buildDefinition
      expect(buildType).toMatch(/recorded\/v1$/)
      expect(resolvedDependencies).toBeUndefined()
      expect(externalParameters.claimedSource?.digest).toEqual({ gitCommit: scenario.repository.head() })
      const flags = await scenario.cli([
        'verify',
        'image',
        step.outputs.image ?? '',
        ...scenario.expected,
        '--require',
        'provenance',
      ])
      expect([flags.code, flags.log]).toEqual([1, expect.stringContaining('verify/builder-not-allowed')])
      const byDefault = await gate(step, '')
      expect([byDefault.code, byDefault.log]).toEqual([1, expect.stringContaining('verify/builder-not-allowed')])
      const named = await gate(step, `, builders: [${builder}]`)
      expect([named.code, named.log]).toEqual([0, expect.stringContaining('passed')])
    },
  )

  test('and is not in the registry either cannot be signed', async () => {
    const step = await scenario.attest({ digest: `sha256:${'a'.repeat(64)}`, tags: 'v1' })
    expect(outcomeOf(step)).toEqual([2, 'registry/not-found'])
    expect(heldBy(scenario)).toEqual({ tags: [], referrers: [], manifests: 0 })
    expect(logEntries(scenario)).toBe(0)
  })
})

describe('a disk', () => {
  test('that is full when a bundle is to be kept: nothing is attached or tagged', async () => {
    const layout = writeLayout(join(scenario.stack.folder, 'full'))
    const temporary = join(scenario.stack.folder, 'small')
    const bundles = join(temporary, 'waybill', 'acme-app', 'bundles')
    mkdirSync(bundles, { recursive: true })
    const free = fillUp(bundles)
    try {
      const step = await scenario.attest({ layout: layout.folder, tags: 'v1' }, { env: { RUNNER_TEMP: temporary } })
      expect(outcomeOf(step)).toEqual([2, 'core/file-unwritable'])
      expect(step.summary).toContain('.sigstore.json')
      expect(step.summary).toContain('Free space or choose another folder')
      expect(heldBy(scenario)).toEqual({ tags: [], referrers: [], manifests: 1 })
    } finally {
      free()
    }
  })
})

/** Leaves no room in a folder: a file system of one page where mounting is allowed, else a file in the folder's place. */
function fillUp(folder: string): () => void {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4096', 'tmpfs', folder], { stdio: 'ignore' })
    return () => execFileSync('umount', [folder])
  } catch {
    execFileSync('rm', ['-r', folder])
    writeFileSync(folder, '')
    return () => undefined
  }
}
