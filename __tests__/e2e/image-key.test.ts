import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { type WrittenLayout, writeLayout } from '../fakes/layout.ts'
import type { RunOptions } from '../fakes/runner.ts'
import { type Inputs, policyOf, type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'
import { breaks } from '../report/schema.ts'
import { certificateRequests, cleanGround, codeOf, expectNoSecret, heldBy, logEntries } from './aftermath.ts'
import { RESULT_SCHEMA } from './gate-support.ts'
import { statementIn } from './source-support.ts'

/** An image that a key signs in place of the run's identity: the bundled action, and whoever verifies what it left. */
jest.setTimeout(120_000)

const PASSWORD = 'open sesame 4711'
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const publicKey = pair.publicKey.export({ format: 'pem', type: 'spki' }).toString()
const env = {
  KEY: pair.privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: PASSWORD }).toString(),
  PASSWORD,
}
const KEYED = { key: 'env:KEY', 'key-password': 'env:PASSWORD' }
const OWN = { 'transparency-log': 'own' }

let scenario: Scenario
let layout: WrittenLayout

beforeAll(async () => {
  scenario = await startScenario()
  layout = writeLayout(join(scenario.stack.folder, 'layout'), { platforms: ['linux/amd64', 'linux/arm64'] })
})
afterAll(() => scenario.close())
beforeEach(() => cleanGround(scenario))

async function attest(inputs: Inputs = {}, run: RunOptions = {}): Promise<StepResult> {
  const done = await scenario.attest(
    { layout: layout.folder, tags: 'v1', ...KEYED, ...inputs },
    { ...run, env: { ...env, ...run.env } },
  )
  expectNoSecret(done, [PASSWORD, env.KEY])
  expect(breaks(RESULT_SCHEMA, done.result)).toEqual([])
  return done
}

interface Provenance {
  readonly predicate: {
    readonly buildDefinition: { readonly internalParameters: { readonly waybill: Record<string, unknown> } }
    readonly runDetails: { readonly metadata: { readonly invocationId: string } }
  }
}

function provenanceOf({ result }: StepResult): Provenance {
  const { bundle = '' } = result.attestations.find(({ predicateType }) => predicateType.includes('/provenance/')) ?? {}
  return statementIn(bundle) as unknown as Provenance
}

/** What the run printed for others, run as it stands, with the trust root of its services. */
function printed({ outputs }: StepResult): Promise<{ readonly code: number; readonly log: string }> {
  return scenario.cli([...JSON.parse(outputs['verify-args'] ?? '[]'), '--trusted-root', scenario.stack.trustedRootFile])
}

test('a key signs the image and no certificate is asked for; the run reads it back and says how others can', async () => {
  const done = await attest()
  expect([done.code, codeOf(done)]).toEqual([0, undefined])
  expect(done.result.stages.find(({ name }) => name === 'self-verify')?.state).toBe('passed')
  expect([certificateRequests(scenario), logEntries(scenario)]).toEqual([0, 2])
  expect(heldBy(scenario)).toMatchObject({ tags: ['v1'], referrers: { length: 6 } })
  const { signingKey, identity } = done.result
  expect(identity).toBeUndefined()
  expect(readFileSync(signingKey?.file ?? '', 'utf8')).toBe(publicKey)
  expect(done.outputs['verify-command']).toContain(`--key '${signingKey?.file}'`)
  expect(await printed(done)).toMatchObject({ code: 0 })
  expect(done.result.notices.join()).toContain('the word of whoever holds the key')
})

test('another key, an identity, and another image are refused', async () => {
  const done = await attest()
  const [, , image = '', ...rest] = JSON.parse(done.outputs['verify-args'] ?? '[]') as string[]
  const stranger = join(scenario.stack.folder, 'stranger.pub')
  const { publicKey: other } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileSync(stranger, other.export({ format: 'pem', type: 'spki' }))
  const root = ['--trusted-root', scenario.stack.trustedRootFile]
  const verify = async (...words: string[]) => (await scenario.cli(['verify', 'image', ...words])).code
  expect(await verify(image, ...rest, ...root)).toBe(0)
  expect(await verify(image, '--key', stranger, ...root)).toBe(1)
  expect(await verify(image, ...scenario.expected)).toBe(1)
})

test('with a token the provenance states what the token says, and names whose word it is', async () => {
  const done = await attest()
  const { buildDefinition, runDetails } = provenanceOf(done).predicate
  expect(buildDefinition.internalParameters.waybill).toMatchObject({ claims: 'token', builder: 'layout' })
  expect(runDetails.metadata.invocationId).toContain('/acme/app/actions/runs/')
  expect(scenario.stack.oidc.log.some(({ path }) => path.includes('idtoken'))).toBe(true)
})

test('without a token it states the runner’s word, and says so in the statement and to the reader', async () => {
  const done = await attest({ ...OWN }, { idToken: false })
  expect([done.code, codeOf(done)]).toEqual([0, undefined])
  expect(provenanceOf(done).predicate.buildDefinition.internalParameters.waybill).toMatchObject({ claims: 'runner' })
  expect(done.result.notices.join()).toContain('which any step of the job may set')
  expect(await printed(done)).toMatchObject({ code: 0 })
})

test('a statement that the identity of the run signs says nothing of whose word its claims are', async () => {
  const done = await attest({ key: undefined, 'key-password': undefined })
  expect(done.code).toBe(0)
  expect(provenanceOf(done).predicate.buildDefinition.internalParameters.waybill).not.toHaveProperty('claims')
})

test.each([
  ['of an event that never signs', { event_name: 'pull_request_target' }],
  ['of another commit', { sha: 'a'.repeat(40) }],
] as const)(
  '13-adversary 6, 7: a token %s ends the run; the runner’s word is not taken instead',
  async (_, tokenClaims) => {
    const done = await attest(OWN, { tokenClaims })
    expect([done.code, codeOf(done)]).toEqual([1, 'github/token-mismatch'])
    expect([heldBy(scenario).manifests, logEntries(scenario)]).toEqual([0, 0])
  },
)

test('13-adversary 23: names of a private repository, or of one of which no token says that it is public, are logged nowhere unasked', async () => {
  for (const run of [{ claims: { repository_visibility: 'private' } }, { idToken: false }]) {
    const done = await attest({}, run)
    expect([done.code, codeOf(done)]).toEqual([3, 'sigstore/private-repository'])
    expect([heldBy(scenario).manifests, logEntries(scenario)]).toEqual([0, 0])
  }
  const chosen = await attest({ ...OWN }, { claims: { repository_visibility: 'private' } })
  expect(chosen.code).toBe(0)
})

test('a key that cosign made and encrypted signs, from a file of the workspace', async () => {
  const vectors = join(import.meta.dirname, '../vectors/signing-key')
  const inputs = { key: join(vectors, 'cosign-3.key'), 'key-password': 'env:PASSWORD' }
  const done = await attest(inputs, { env: { PASSWORD: 'secret' } })
  expect([done.code, codeOf(done)]).toEqual([0, undefined])
  const file = done.result.signingKey?.file ?? ''
  expect(readFileSync(file, 'utf8')).toBe(readFileSync(join(vectors, 'cosign-3.pub'), 'utf8'))
  expect(await printed(done)).toMatchObject({ code: 0 })
})

test('a wrong password and a variable that is not set end the run before anything happens', async () => {
  const wrong = await attest({}, { env: { PASSWORD: 'not the password' } })
  expect([wrong.code, codeOf(wrong)]).toEqual([3, 'sigstore/signing-key-locked'])
  expect(heldBy(scenario).manifests).toBe(0)
  const none = await attest({ key: 'env:ABSENT' })
  expect([none.code, codeOf(none)]).toEqual([3, 'entry/usage'])
})

test('13-adversary 25: an older run does not move a tag back over a newer image of the same key', async () => {
  const { code } = await attest({}, { claims: { run_id: '11997537400' } })
  const again = writeLayout(join(scenario.stack.folder, 'again'), { content: 'again' })
  const late = await attest({ layout: again.folder }, { claims: { run_id: '11997537300' } })
  expect([code, late.code, codeOf(late)]).toEqual([0, 1, 'registry/tag-newer'])
})

test('what was verified of the source is signed with the key, too, and a rule that names the key accepts it', async () => {
  const done = await attest({ layout: undefined, builder: 'buildah' })
  expect([done.code, codeOf(done)]).toEqual([0, undefined])
  expect(done.result.attestations).toHaveLength(4)
  const { stack, alice, bob, anchor } = scenario
  const gate = async (key: string): Promise<number> => {
    const policy = policyOf(
      alice,
      bob,
      `deploy:
  - match: ["${stack.registry.host}/acme/**"]
    trust: { file: root.json }
    build: { key: image.pub }
    source: { policy: "git+${stack.git.url}/acme/app#.github/waybill.yml", anchor: ${anchor}, exceptions: deny }
    require: [signature, provenance, source-signed]
`,
    )
    for (const [name, text] of [
      ['gate.yml', policy],
      ['image.pub', key],
      ['root.json', readFileSync(stack.trustedRootFile, 'utf8')],
    ] as const)
      writeFileSync(join(stack.folder, name), text)
    return (
      await scenario.cli(['verify', 'image', done.outputs.image ?? '', '--policy', join(stack.folder, 'gate.yml')])
    ).code
  }
  expect(await gate(publicKey)).toBe(0)
  const { publicKey: other } = generateKeyPairSync('ed25519')
  expect(await gate(other.export({ format: 'pem', type: 'spki' }).toString())).toBe(1)
})

test('a pull request needs no key, and none is opened', async () => {
  const head = scenario.repository.head() ?? ''
  const done = await scenario.attest(
    { layout: layout.folder, ...KEYED },
    {
      idToken: false,
      claims: { event_name: 'pull_request', ref: 'refs/pull/7/merge', head_ref: 'improve', base_ref: 'main' },
      event: {
        action: 'opened',
        number: 7,
        pull_request: {
          number: 7,
          user: { login: 'alice' },
          head: { sha: head, ref: 'improve', repo: { id: 4711 } },
          base: { sha: scenario.anchor, ref: 'main', repo: { id: 792829709 } },
        },
        repository: { id: 792829709, full_name: 'acme/app', default_branch: 'main' },
      },
    },
  )
  expect(codeOf(done)).not.toBe('entry/usage')
  expect(heldBy(scenario).referrers).toEqual([])
})
