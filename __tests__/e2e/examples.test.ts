import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { parse, stringify } from 'yaml'
import { execute, type Scenario, startScenario } from '../fakes/scenario.ts'
import { pushStandIn } from './examples-images.ts'
import { type Done, runExample } from './examples-workflow.ts'

// Real builds on a busy machine.
jest.setTimeout(240_000)

const FOLDER = join(import.meta.dirname, '../../examples')
const EXAMPLES = readdirSync(FOLDER, { withFileTypes: true })
  .filter(entry => entry.isDirectory())
  .map(({ name }) => name)
const GITHUB_ISSUER = 'https://token.actions.githubusercontent.com'
const POLICY = '.github/waybill.yml'
const WORKFLOW = '.github/workflows/release.yml'

let scenario: Scenario

beforeAll(async () => {
  scenario = await startScenario()
})

afterAll(() => scenario.close())

test('there is an example for each of the seven cases', () => {
  expect(EXAMPLES).toEqual(['buildah-self-hosted', 'files', 'go', 'monorepo', 'node', 'own-sigstore', 'python'])
})

function filesOf(name: string): readonly string[] {
  const entries = readdirSync(join(FOLDER, name), { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile() && entry.name !== 'README.md')
  return files.map(entry => join(entry.parentPath, entry.name).slice(join(FOLDER, name).length + 1))
}

const read = (name: string, path: string): string => readFileSync(join(FOLDER, name, path), 'utf8')
const contextsOf = (name: string): readonly string[] =>
  filesOf(name)
    .filter(path => path.endsWith('Dockerfile'))
    .map(path => path.replace(/\/?Dockerfile$/, '') || '.')

/** The images of `FROM` lines, as the page has them. */
function basesOf(name: string): readonly string[] {
  const lines = contextsOf(name).flatMap(context => [
    ...read(name, join(context, 'Dockerfile')).matchAll(/^FROM (\S+)/gm),
  ])
  const images = lines.map(([, image = '']) => image.replace(/\$\{PYTHON\}/, '3.13'))
  return [...new Set(images)].filter(image => image.startsWith('docker.io/'))
}

describe.each(EXAMPLES)('examples/%s', name => {
  const contexts = contextsOf(name)
  const bases = basesOf(name)
  const here = () => {
    const { stack } = scenario
    return (text: string): string =>
      text
        .replaceAll('ghcr.io', stack.registry.host)
        .replaceAll('docker.io', stack.registry.host)
        .replaceAll('https://github.com', stack.git.url)
        .replaceAll(GITHUB_ISSUER, stack.oidc.issuer)
  }
  let clone = ''
  let anchor = ''

  /** The example as somebody takes it over: own key, own addresses; on loopback every registry is inside. */
  beforeAll(() => {
    for (const base of bases) pushStandIn(scenario.stack.registry, base)
    clone = join(scenario.stack.folder, `clone-${name}`)
    mkdirSync(clone)
    for (const path of filesOf(name)) {
      mkdirSync(join(clone, path, '..'), { recursive: true })
      const text = here()(read(name, path))
      writeFileSync(join(clone, path), path === POLICY ? policyHere(text) : text)
    }
    for (const file of ['trusted_root.json', 'signing_config.json'])
      cpSync(join(scenario.stack.folder, file), join(clone, '.github/sigstore', file), { recursive: true })
  })

  function policyHere(text: string): string {
    const policy = parse(text) as Record<string, unknown> & {
      principals: { alice: { signers: object } }
      deploy: readonly { match: readonly string[] }[]
      'base-images'?: readonly object[]
    }
    policy.principals.alice.signers = [{ ssh: { key: scenario.alice.publicKey } }]
    const deploy = policy.deploy.map(rule => ({
      ...rule,
      trust: { file: 'sigstore/trusted_root.json' },
      ...(rule.match.some(match => match.startsWith('file:')) ? {} : { private: true }),
    }))
    const images = policy['base-images']?.map(rule => ({ ...rule, private: true }))
    return stringify({ ...policy, deploy, ...(images === undefined ? {} : { 'base-images': images }) })
  }

  /** Everything that lies in the clone, in one signed commit, and another after it for the range to have something in it. */
  function commit(): Promise<string> {
    const { repository, alice } = scenario
    const before = repository
      .git('ls-files')
      .split('\n')
      .filter(path => path !== '')
    const paths = readdirSync(clone, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
    const here = paths.map(entry => join(entry.parentPath, entry.name))
    const files = {
      ...Object.fromEntries(before.map(path => [path, null])),
      ...Object.fromEntries(here.map(path => [path.slice(clone.length + 1), readFileSync(path)])),
    }
    anchor = repository.commit({ message: `Take over ${name}`, signer: alice, files })
    repository.commit({ message: 'Say what it is', signer: alice, files: { 'README.md': `# ${name}\n` } })
    return scenario.publish()
  }

  /** The example as it is published, with the trust root that nobody but its user can have. */
  function published(): string {
    const folder = join(scenario.stack.folder, `published-${name}`)
    cpSync(join(FOLDER, name), folder, { recursive: true })
    cpSync(scenario.stack.trustedRootFile, join(folder, '.github/sigstore/trusted_root.json'))
    return folder
  }

  const cli = (...args: readonly string[]) => {
    const env = { PATH: process.env.PATH ?? '', HOME: scenario.stack.folder }
    return execute([join(import.meta.dirname, '../../dist/cli.js'), ...args], env, clone)
  }

  test('has a page of its own that names its files', () => {
    expect(read(name, 'README.md')).toContain('.github/workflows/release.yml')
  })

  if (contexts.length > 0)
    test('as it is published, materials print lists what its Dockerfiles pull in, and asks for digests alone', async () => {
      const codes: string[] = []
      const images: string[] = []
      const folder = published()
      for (const context of contexts) {
        const flags = ['--context', join(folder, context), '--policy', join(folder, POLICY)]
        const { code, stdout } = await cli('materials', 'print', ...flags, '--json')
        expect(code).toBe(1)
        codes.push(...[...stdout.matchAll(/"code": "([^"]+)"/g)].map(([, found = '']) => found))
        images.push(...bases.filter(base => stdout.includes(base)))
      }
      expect(new Set(codes)).toEqual(new Set(['materials/not-pinned']))
      expect(new Set(images)).toEqual(new Set(bases))
    })

  if (name === 'go')
    test('before that, the run is rejected and nothing is built, as its page says', async () => {
      await commit()
      const { code, result } = await scenario.attest({ since: anchor, builder: 'buildah' })
      expect([code, result.error?.code]).toEqual([1, 'materials/not-pinned'])
      expect(result.stages.find(stage => stage.name === 'build')?.state).toBe('not-reached')
    })

  if (contexts.length > 0)
    test('the digests are looked up and written down by one command for each Dockerfile', async () => {
      for (const context of contexts) {
        const { code, log } = await cli('materials', 'lock', '--context', context)
        expect({ code, log: code === 0 ? '' : log }).toEqual({ code: 0, log: '' })
      }
      expect(existsSync(join(clone, '.github/waybill.materials.yml'))).toBe(true)
    })

  test('its workflow, as it is written, builds, signs and passes its own gate', async () => {
    await commit()
    const done = await runExample(here()(read(name, WORKFLOW)), {
      scenario,
      workspace: clone,
      fill: here(),
      attest: { since: anchor, ...(contexts.length > 0 ? { builder: 'buildah' } : {}) },
      verify: { 'trusted-root': undefined },
    })
    for (const { step } of done)
      expect({ code: step.code, log: step.code === 0 ? '' : step.log }).toEqual({ code: 0, log: '' })
    expect(done.map(({ door, step }) => [door, step.outputs.verdict])).toEqual(expectedOf(done))
    expect(
      done.filter(({ door }) => door === 'attest').map(({ step }) => step.outputs['source-verdict']),
    ).not.toContain('not-asked')
  })

  /** Every build and every gate passed, and there was at least one of each. */
  function expectedOf(done: readonly Done[]): readonly (readonly string[])[] {
    const doors = done.map(({ door }) => door)
    expect(new Set(doors)).toEqual(new Set(['attest', 'verify']))
    return doors.map(door => [door, 'passed'])
  }
})
