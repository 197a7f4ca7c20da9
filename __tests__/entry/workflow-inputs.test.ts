import { labelOf, legsOf, readLogins, readPartsInput, rootEnvironment } from '../../src/entry/workflow-inputs.ts'
import { LEG_INPUTS, PREPARE_INPUTS, SIGN_INPUTS } from '../../src/entry/workflow-table.ts'
import { Inputs } from '../../src/github/inputs.ts'
import { codeOf, errorOf } from '../registry/support.ts'

const env = (inputs: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]))
const prepare = (inputs: Readonly<Record<string, string>>) => new Inputs(env(inputs), PREPARE_INPUTS)

test('each platform gets a runner of GitHub where nobody names one', () => {
  expect(legsOf(prepare({}))).toEqual([{ platform: 'linux/amd64', runner: 'ubuntu-24.04', output: 'linux-amd64' }])
  const legs = legsOf(prepare({ platforms: 'linux/arm/v7\nlinux/s390x', runners: '{"linux/s390x": "ubuntu-22.04"}' }))
  expect(legs.map(({ runner }) => runner)).toEqual(['ubuntu-24.04-arm', 'ubuntu-22.04'])
})

test('13-adversary 40: a label outside the list needs self-hosted: true', async () => {
  for (const runners of ['"big"', '["ubuntu-24.04", "gpu"]', '["self-hosted"]']) {
    const inputs = { runners: `{"linux/amd64": ${runners}}` }
    expect(await codeOf(() => legsOf(prepare(inputs)))).toBe('build/runner-not-listed')
    const [leg] = legsOf(prepare({ ...inputs, 'self-hosted': 'true' }))
    expect(leg && labelOf(leg.runner)).toBe([JSON.parse(runners)].flat().join(','))
  }
})

test.each([
  '[]',
  '{"linux/amd64": 1}',
  '{"linux/amd64": []}',
  '{"linux/amd64": "a\\nb"}',
  '{"linux/amd64": {"group": "x"}}',
  '{"linux/386": "x"}',
  '{"linux/amd64": "a", "linux/amd64": "b"}',
])('runners %s is refused', async runners => {
  expect(await codeOf(() => legsOf(prepare({ runners, 'self-hosted': 'true' })))).toMatch(/^(entry|core)\//)
})

test('a password is for the first registry and whoever started the run, unless it says more', async () => {
  const read = (text: string) => readLogins(prepare({ 'registry-password': text }))
  expect(read('s3cret')).toEqual([{ password: 's3cret' }])
  expect(read('alice:s3cret=:x')).toEqual([{ username: 'alice', password: 's3cret=:x' }])
  expect(read('r.example:5000=alice:p\nbob:q')).toEqual([
    { host: 'r.example:5000', username: 'alice', password: 'p' },
    { username: 'bob', password: 'q' },
  ])
  expect(await codeOf(() => read('two words'))).toBe('entry/input-malformed')
})

test('a door hands on what the root action knows, and nothing of its own', () => {
  const given = env({ plan: '{}', platform: 'linux/amd64', context: 'app', secrets: 'A=b' })
  const root = rootEnvironment({ ...given, PATH: '/bin' }, LEG_INPUTS, ['plan', 'platform'], { sign: 'false' })
  expect(root).toMatchObject({ PATH: '/bin', INPUT_CONTEXT: 'app', INPUT_SECRETS: 'A=b', INPUT_SIGN: 'false' })
  expect(Object.keys(root)).not.toEqual(expect.arrayContaining(['INPUT_PLAN']))
})

test('outputs of legs that built nothing are empty; one that is none of a platform is refused', async () => {
  const read = (parts: string) => readPartsInput(new Inputs(env({ parts }), SIGN_INPUTS))
  expect(read('{"linux-amd64": "", "linux-arm64": null}')).toEqual([])
  expect(await codeOf(() => read('{"windows-amd64": ""}'))).toBe('build/part-unplanned')
  expect(await codeOf(() => read('{"linux-amd64": 1}'))).toBe('build/part-unplanned')
  expect(await codeOf(() => read('{"linux-amd64": "{}"}'))).toBe('build/part-unusable')
})

test.each([
  ['prepare', PREPARE_INPUTS, ['secrets']],
  ['leg', LEG_INPUTS, ['images', 'tags']],
  ['sign', SIGN_INPUTS, ['secrets', 'images', 'push', 'platform']],
] as const)('%s refuses by name what the workflow does not offer', async (_, table, own) => {
  const others = ['ssh', 'cache-from', 'cache-to', 'build-contexts', 'secret-files', 'bake', 'command', 'image-refs']
  // A digest of the caller above all: what is signed comes out of the jobs that build.
  const given = ['digest', 'layout', 'key', 'commit', 'source-mode', 'materials-mode', 'sign', 'files', 'name']
  for (const name of [...others, ...given, ...own]) {
    const error = await errorOf(() => new Inputs(env({ [name]: 'x' }), table))
    expect([error.code, error.found]).toEqual(['entry/input-unsupported', name])
  }
})

test('two parts for one platform cannot stand in one list, and the shared word about all of them is no part', async () => {
  const read = (parts: string) => readPartsInput(new Inputs(env({ parts }), SIGN_INPUTS))
  expect(await codeOf(() => read('{"linux-amd64": "", "linux-amd64": ""}'))).toMatch(/^core\//)
  expect(read('{"linux-amd64": "", "not-passed": "rejected"}')).toEqual([])
})
