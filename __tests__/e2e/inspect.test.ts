import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import type { Comparison } from '../../src/report/compare.ts'
import { type InspectedNode, type Inspection, nodesOf } from '../../src/report/inspection.ts'
import { type Forger, openForger } from '../fakes/forge.ts'
import { writeLayout } from '../fakes/layout.ts'
import { policyOf, type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'

jest.setTimeout(300_000)

let scenario: Scenario
let forger: Forger
let published: StepResult
let root: readonly string[]

beforeAll(async () => {
  scenario = await startScenario()
  forger = await openForger(scenario.stack, scenario.image)
  published = await scenario.attest({ builder: 'buildah', tags: 'v1' })
  root = ['--trusted-root', scenario.stack.trustedRootFile]
})
afterAll(async () => {
  forger.close()
  await scenario.close()
})

interface Told {
  readonly code: number
  readonly images: readonly Inspection[]
  readonly image: Inspection
  readonly changes?: Comparison
  readonly nodes: readonly InspectedNode[]
}

async function inspect(references: readonly string[], flags: readonly string[] = root): Promise<Told> {
  const { code, stdout, log } = await scenario.cli(['inspect', ...references, ...flags, '--json'])
  expect(log).toBe(stdout)
  const { schemaVersion, command, data } = JSON.parse(stdout)
  expect([schemaVersion, command]).toEqual([1, 'inspect'])
  const [image] = data.images
  return { code, ...data, image, nodes: nodesOf(image.chain) }
}

const of = ({ nodes }: Told, what: InspectedNode['what']) => nodes.filter(node => node.what === what)
const published1 = () => published.outputs.image ?? ''
const pushed = (name: string) => forger.push(writeLayout(join(scenario.stack.folder, name), { content: name }).folder)

test('an image with everything is described, and nothing is called verified', async () => {
  const told = await inspect([`${scenario.image}:v1`])
  expect([published.code, told.code, told.image.gate, told.image.complete]).toEqual([0, 0, undefined, true])
  expect(new Set(told.nodes.map(({ standing }) => standing))).toEqual(new Set(['held', 'seen', 'claimed', 'missing']))
  const [commit] = of(told, 'commit')
  expect(commit?.about).toBe(scenario.repository.head())
  expect(commit?.below[0]).toMatchObject({ what: 'source', standing: 'seen' })
  expect(commit?.below[0]?.below[0]?.commits).toHaveLength(1)
  expect(told.image.origin).toMatchObject({
    standing: 'seen',
    source: { count: 1, policy: { anchor: scenario.anchor } },
  })
})

test('with flags or a policy the gate’s verdict stands beside, and what counted is verified', async () => {
  const flags = [...scenario.expected, '--require', 'signature,provenance']
  const told = await inspect([published1()], flags)
  expect([told.code, told.image.gate?.verdict]).toEqual([0, 'passed'])
  expect(of(told, 'signature').map(({ standing }) => standing)).toContain('verified')
  expect([of(told, 'provenance')[0]?.standing, of(told, 'commit')[0]?.standing]).toEqual(['verified', 'verified'])
  const { stack, alice, bob } = scenario
  const rule = `deploy:
  - match: ["${stack.registry.host}/acme/**"]
    trust: { file: root.json }
    build: { sigstore: { identity: "${stack.git.url}/acme/app/.github/workflows/release.yml@refs/heads/main", issuer: "${stack.oidc.issuer}" } }
    require: [signature]
`
  writeFileSync(join(stack.folder, 'root.json'), readFileSync(stack.trustedRootFile))
  writeFileSync(join(stack.folder, 'policy.yml'), policyOf(alice, bob, rule))
  const judged = await inspect([published1()], ['--policy', 'policy.yml'])
  expect([judged.code, judged.image.gate?.verdict, judged.image.policy?.uri]).toEqual([0, 'passed', 'file:policy.yml'])
  expect(of(judged, 'provenance')[0]?.standing).toBe('seen')
})

test('an unsigned image is described: nothing is attached', async () => {
  const told = await inspect([`${scenario.image}@${await pushed('unsigned')}`])
  expect([told.code, told.image.origin, told.image.stories]).toEqual([0, undefined, 0])
  expect(told.nodes.filter(({ standing }) => standing === 'missing').map(({ what }) => what)).toEqual([
    'signature',
    'provenance',
    'deploy',
    'quarantine',
  ])
})

test('a stranger’s signature is seen, and refused where somebody is expected', async () => {
  const digest = await pushed('stranger')
  const claims = { repository: 'mallory/app', workflow_ref: 'mallory/app/.github/workflows/x.yml@refs/heads/main' }
  await forger.attach(digest, await forger.signature(digest, claims), Buffer.from('{"no":"bundle"}'))
  const seen = await inspect([`${scenario.image}@${digest}`])
  expect(of(seen, 'signature').map(({ standing, by }) => `${standing} ${by?.includes('mallory/app')}`)).toEqual([
    'seen true',
  ])
  expect(seen.image.ignored.map(({ severity }) => severity)).toEqual(['note'])
  const judged = await inspect([`${scenario.image}@${digest}`], scenario.expected)
  expect([judged.code, judged.image.gate?.verdict]).toEqual([0, 'rejected'])
  expect(of(judged, 'signature')[0]?.standing).toBe('refused')
})

test('of provenances that tell different stories none is believed', async () => {
  const digest = await pushed('stories')
  const claims = { repository: 'mallory/app', workflow_ref: 'mallory/app/.github/workflows/x.yml@refs/heads/main' }
  const own = { sha: scenario.repository.head() ?? '' }
  await forger.attach(digest, await forger.provenance(digest, own), await forger.provenance(digest, claims))
  const told = await inspect([`${scenario.image}@${digest}`])
  expect([told.image.stories, told.image.origin]).toEqual([2, undefined])
  const judged = await inspect([`${scenario.image}@${digest}`], [...scenario.expected, '--require', 'provenance'])
  expect(judged.image.origin).toMatchObject({ standing: 'verified', commit: own.sha })
})

test('two images of 100 commits: what changed, and pages below 300 KB', async () => {
  const from = scenario.repository.head() ?? ''
  const ids = Array.from({ length: 100 }, (_, at) =>
    scenario.repository.commit({
      message: `Change ${at}`,
      signer: scenario.bob,
      name: 'Bob',
      email: 'bob@example.com',
      files: { 'hello.txt': `hello ${at}\n` },
    }),
  )
  await scenario.publish()
  const second = await scenario.attest({ builder: 'buildah', tags: 'v2' })
  expect(second.code).toBe(0)
  const { changes, code } = await inspect([published1(), second.outputs.image ?? ''])
  expect([code, changes?.same, changes?.commits.basis]).toEqual([0, false, 'details'])
  expect(changes?.commits).toMatchObject({ from, to: ids.at(-1), removed: [] })
  expect(changes?.commits.added.map(({ id }) => id)).toEqual(ids)
  expect([changes?.policy, changes?.builder]).toEqual([[], []])
  for (const references of [[`${scenario.image}:v2`], [published1(), `${scenario.image}:v2`]]) {
    const { code: done, log } = await scenario.cli([
      'inspect',
      ...references,
      ...root,
      '--html',
      'page.html',
      '--quiet',
    ])
    expect([done, log]).toEqual([0, ''])
    const page = readFileSync(join(scenario.stack.folder, 'page.html'), 'utf8')
    expect(page.length).toBeLessThan(300_000)
    expect(page).toContain(ids[50]?.slice(0, 12))
  }
})

test('13-adversary 37: hostile labels and annotations are text', async () => {
  const text = '</script><script>alert(1)</script>\u202e'
  const labels = { [text]: text, long: 'x'.repeat(70_000) }
  const { folder } = writeLayout(join(scenario.stack.folder, 'labels'), {
    content: 'labels',
    labels,
    annotations: labels,
  })
  const reference = `${scenario.image}@${await forger.push(folder)}`
  const told = await inspect([reference])
  expect(told.image.labels).toHaveLength(4)
  const { code, log } = await scenario.cli(['inspect', reference, ...root, '--html', 'labels.html'])
  expect(code).toBe(0)
  const page = readFileSync(join(scenario.stack.folder, 'labels.html'), 'utf8')
  for (const shown of [log, page]) expect(shown).not.toMatch(/\u202e|x{2000}/)
  expect(page).not.toContain('<script')
  expect(page.length).toBeLessThan(60_000)
})
