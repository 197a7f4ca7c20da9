import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { repositoryOf } from '../__tests__/fakes/github.ts'
import { writeLayout } from '../__tests__/fakes/layout.ts'
import {
  type Finished,
  type Inputs,
  type Scenario,
  type StepResult,
  startScenario,
} from '../__tests__/fakes/scenario.ts'
import { refuseBase } from './demo/base-image.ts'
import { chooseBuilder, type DemoBuilder } from './demo/builder.ts'
import { Paper } from './demo/paper.ts'
import { proposeOtherRules } from './demo/proposal.ts'
import { pinManifest, signFile } from './demo/subjects.ts'

const ROOT = join(import.meta.dirname, '..')
/** What the user can open afterwards. */
const KEPT = join(ROOT, '.cache', 'demo')
const MALLORY = { repository: 'mallory/app', repository_id: '666', repository_owner: 'mallory', actor: 'mallory' }

/** Something did not behave as told; the demo then fails, whatever else it showed. */
class NotAsTold extends Error {}

interface Story {
  readonly paper: Paper
  readonly scenario: Scenario
  builder: DemoBuilder
}

/**
 * `npm run demo -- [--no-install] [--write-example]`: the whole story on loopback: signed commits, the bundled action, the
 * gate, and what each of them refuses. Ends with 1 when any step does not behave as told.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { 'no-install': { type: 'boolean' }, 'write-example': { type: 'boolean' } },
  })
  const paper = new Paper(text => process.stdout.write(text))
  if (!existsSync(join(ROOT, 'dist', 'attest.js'))) throw new NotAsTold('There is no dist/: run npm run build first')
  const began = performance.now()
  rmSync(KEPT, { recursive: true, force: true })
  mkdirSync(KEPT, { recursive: true })
  paper.title('Waybill, from signed commits to a verified image. All of it runs on this machine; nothing leaves it.')
  paper.step('Start certificate authority, transparency logs, timestamp authority, registry and GitHub on loopback')
  const scenario = await startScenario()
  try {
    paper.say(`Ready in ${seconds(began)}. They are real servers; only their keys are made for this run.`)
    const story: Story = { paper, scenario, builder: 'layout' }
    await tell(story, values['no-install'] !== true, values['write-example'] === true)
    paper.step(
      `Done in ${seconds(began)}: an image, a manifest and a file passed, and everything that was changed was refused`,
    )
    paper.say(`The summary as a file: ${relative(process.cwd(), join(KEPT, 'summary.md'))}`)
    paper.say('Next: docs/start-here.md. The same servers to play with: npm run stack')
  } finally {
    await scenario.close()
  }
}

async function tell(story: Story, install: boolean, writeExample: boolean): Promise<void> {
  await showCommits(story)
  await showCheck(story)
  const step = await showAction(story, install)
  if (writeExample) writeFileSync(join(ROOT, 'docs', 'example-summary.md'), exampleOf(step.summary))
  const reference = `${story.scenario.image}@${step.outputs.digest}`
  await showGate(story, reference)
  await showManifest(story, step.outputs.digest ?? '')
  await showFile(story)
  await showProposal(story)
  await refuseByte(story, step.outputs.digest ?? '')
  await refuseIdentity(story, reference)
  await showBase(story)
  await refuseCommit(story)
}

async function showCommits({ paper, scenario }: Story): Promise<void> {
  const { repository, alice } = scenario
  repository.commit({ message: 'Say it politely', signer: alice, files: { 'hello.txt': 'Hello, dear world.\n' } })
  await scenario.publish()
  paper.step('Make a repository acme/app with signed commits; the first one holds the policy')
  paper.quote(repository.git('log', '--format=%h  %<(8)%an %s'))
  paper.say('The policy says: alice and bob may commit to main, only alice may change the policy.')
}

async function showCheck({ paper, scenario }: Story): Promise<void> {
  paper.step('Check the commits in the clone, as a developer would before pushing: who signed, and is it enough?')
  const range = ['HEAD', '--since', scenario.anchor]
  paper.command(`waybill source check ${range.join(' ')}`)
  const finished = await scenario.cli(['source', 'check', ...range, '--repo', scenario.repository.folder])
  paper.quote(finished.log.split('\nnot checked:')[0] ?? '')
  mustHold(finished.code === 0 && finished.log.includes('source check: passed'), 'the commits pass', finished)
}

async function showProposal(story: Story): Promise<void> {
  const { paper, scenario } = story
  paper.step('Open a pull request that changes the rules: bob makes himself a maintainer, and the workflow lenient')
  const step = await proposeOtherRules(scenario, building(story))
  const top = step.summary.split('\n## ')[0] ?? ''
  mustHold(/loosens \| added \| role/.test(top) && /source-mode: audit/.test(top), 'changed rules stand first', step)
  paper.say('This is how the summary of its job begins, before the verdict:')
  paper.quote(top)
  paper.say('It was judged by the rules that hold now. Merged as it is, without alice, it would change none of them.')
}

/** What the action is given to build; each author's image has a digest of its own. */
function building(story: Story, author = 'acme'): Inputs {
  if (story.builder !== 'layout')
    return { builder: story.builder, annotations: `org.opencontainers.image.vendor=${author}` }
  const layout = join(story.scenario.stack.folder, `layout-of-${author}`)
  writeLayout(layout, { content: `Hello, dear world, says ${author}.` })
  return { builder: 'layout', layout }
}

async function showAction(story: Story, install: boolean): Promise<StepResult> {
  const { paper, scenario } = story
  paper.step('Run the action: verify the commits, build, sign, publish, read back, move the tag last')
  story.builder = await chooseBuilder(paper, install)
  let step = await scenario.attest({ ...building(story), tags: 'v1' })
  if (story.builder !== 'layout' && step.result.error?.code.startsWith('build/')) {
    paper.quote(`${step.result.error.code}: ${step.result.error.message}\n${step.result.error.found ?? ''}`)
    paper.say(`${story.builder} is installed, but cannot build on this machine.`)
    story.builder = 'layout'
    step = await scenario.attest({ ...building(story), tags: 'v1' })
  }
  if (story.builder === 'layout')
    paper.say(
      'Without a builder an image made beforehand is pushed (builder: layout). The commits are verified all the same, but ' +
        'nothing can claim that the image came from them: its provenance says "recorded", and a gate that asks for ' +
        'provenance refuses it unless its rule names this builder.',
    )
  mustHold(step.code === 0 && step.outputs.verdict === 'passed', 'the action passes', step)
  writeFileSync(join(KEPT, 'summary.md'), step.summary)
  writeFileSync(join(KEPT, 'result.json'), JSON.stringify(step.result, null, 2))
  paper.say('Passed. This is the summary of the job:')
  paper.quote(step.summary)
  return step
}

/** What a gate asks of this image: with `layout` there is no provenance that says where the image came from. */
function requirement({ builder }: Story): string {
  return builder === 'layout' ? 'signature' : 'signature,provenance'
}

/** @param shown the flags that are printed; the others are those of the step before. */
function gate(
  story: Story,
  reference: string,
  flags: readonly string[] = story.scenario.expected,
  shown: readonly string[] = [],
): Promise<Finished> {
  const all = [...flags, '--require', requirement(story)]
  const pairs = shown.flatMap((word, at) => (at % 2 === 0 ? [`${word} ${shown[at + 1] ?? ''}`] : []))
  const rest = shown.length === all.length ? [] : ['… the other flags as above']
  story.paper.command([`waybill verify image ${reference}`, ...pairs, ...rest].join(' \\\n       '))
  return story.scenario.cli(['verify', 'image', reference, ...all])
}

async function showGate(story: Story, reference: string): Promise<void> {
  story.paper.step('Verify the image before a deployment: who signed it, and is it exactly these bytes?')
  const { expected } = story.scenario
  const finished = await gate(story, reference, expected, [...expected, '--require', requirement(story)])
  story.paper.quote(finished.log)
  mustHold(finished.code === 0 && /: passed/.test(finished.log), 'the gate accepts the image', finished)
}

async function showManifest(story: Story, digest: string): Promise<void> {
  story.paper.step('Verify what a manifest names, and write the digest beside the tag')
  const [finished, pinned] = await pinManifest(story, story.scenario.expected)
  mustHold(finished.code === 0 && pinned.includes(`:v1@${digest}`), 'the manifest passes and is pinned', finished)
}

async function showFile(story: Story): Promise<void> {
  story.paper.step('Sign a file with a key and verify it; then change it')
  const [before, after] = await signFile(story)
  mustHold(before.code === 0 && before.log.startsWith('verify file: passed'), 'the file passes', before)
  mustRefuse(after, 'verify/digest-mismatch')
  story.paper.say(`Refused, exit code ${after.code}, and moved into quarantine.`)
}

async function refuseByte(story: Story, digest: string): Promise<void> {
  const { paper, scenario } = story
  const store = scenario.stack.registry.storage.open('acme/app')
  const manifest = store.find(digest)
  if (manifest === undefined) throw new NotAsTold('The registry does not hold the image')
  const changed = Buffer.from(manifest.bytes)
  changed[changed.length - 1] = 0x20
  paper.step('Change one byte of the image: the registry serves other bytes under the same digest')
  scenario.stack.registry.faults.lie(digest, changed)
  const served = await gate(story, `${scenario.image}@${digest}`)
  scenario.stack.registry.faults.clear()
  refused(story, served, 'registry/digest-mismatch')

  paper.step('Change one byte of the image: somebody pushes the image with one byte more and moves the tag v1 to it')
  const platform = store.find(firstPlatform(manifest.bytes) ?? digest) ?? manifest
  await push(`${scenario.stack.registry.url}/v2/acme/app/manifests/v1`, platform.mediaType, platform.bytes, '\n')
  const moved = await gate(story, `${scenario.image}:v1`)
  refused(story, moved, 'verify/no-attestation')
}

/** An index is a list; what runs is one of its images, so that is what an attacker would exchange. */
function firstPlatform(bytes: Buffer): string | undefined {
  const { manifests } = JSON.parse(bytes.toString('utf8')) as { manifests?: readonly { digest: string }[] }
  return manifests?.[0]?.digest
}

async function push(url: string, mediaType: string, bytes: Buffer, more: string): Promise<void> {
  const body = new Uint8Array(Buffer.concat([bytes, Buffer.from(more)]))
  const answer = await fetch(url, { method: 'PUT', headers: { 'content-type': mediaType }, body })
  if (!answer.ok) throw new NotAsTold(`The registry refused a push: ${answer.status}`)
}

async function refuseIdentity(story: Story, reference: string): Promise<void> {
  const { paper, scenario } = story
  const { stack } = scenario
  paper.step('Change one identity: expect one letter more in the name of the branch')
  const other = scenario.expected.map(word => word.replace('refs/heads/main', 'refs/heads/maine'))
  refused(story, await gate(story, reference, other, other.slice(0, 2)), 'verify/identity-mismatch')

  paper.step('Change one identity: mallory/app runs the same action and pushes its image as acme/app:stolen')
  await stack.git.publish(scenario.repository.folder, MALLORY.repository)
  stack.github.repositories.set(...repositoryOf(stack.oidc.claims(MALLORY)))
  const stolen = await scenario.attest({ ...building(story, 'mallory'), tags: 'stolen' }, { claims: MALLORY })
  if (stolen.code !== 0) throw new NotAsTold(`The run of mallory/app did not end as told:\n${stolen.log}`)
  paper.say('Its signature is valid, its identity is not the expected one:')
  refused(story, await gate(story, `${scenario.image}:stolen`), 'verify/identity-mismatch')
}

/** With the layout there is no build that an image could enter. */
async function showBase(story: Story): Promise<void> {
  if (story.builder === 'layout') return
  story.paper.step('Build upon an image that nobody signed; then write down which bytes of it were reviewed')
  const [before, after] = await refuseBase(story, building(story))
  mustRefuse(before, 'materials/not-pinned')
  mustHold(after.code === 0 && after.outputs['materials-verdict'] === 'passed', 'the reviewed image passes', after)
  story.paper.say('It passes, and the attestation calls it pinned: its bytes are known, who made them is not.')
}

async function refuseCommit(story: Story): Promise<void> {
  const { paper, scenario } = story
  const { repository, bob, stack } = scenario
  paper.step('Change one commit: one word of bob’s commit is changed after he signed it, then the action runs')
  repository.commit({
    message: 'Fix a typo',
    signer: bob,
    name: 'Bob',
    email: 'bob@example.com',
    files: { 'hello.txt': 'Hello, dear world!\n' },
    tamper: object => object.replace('Fix a typo', 'Add a back door'),
  })
  await scenario.publish()
  const before = stack.registry.storage.open('acme/app').manifests.size
  const step = await scenario.attest({ ...building(story), tags: 'v1' })
  writeFileSync(join(KEPT, 'summary-rejected.md'), step.summary)
  paper.quote(step.log.slice(step.log.indexOf('attest:')).split('\nnot checked:')[0] ?? '')
  const state = step.result.stages.find(({ name }) => name === 'build')?.state
  const pushed = stack.registry.storage.open('acme/app').manifests.size - before
  mustHold(state === 'not-reached' && pushed === 0, 'nothing is built or pushed', step)
  mustRefuse(step, 'source/bad-signature')
  paper.say('Refused before anything was built, pushed or signed.')
}

/** Shows a refusal and makes sure that it is one. */
function refused({ paper }: Story, finished: Finished, code: string): void {
  paper.quote(finished.log.split('\nnot checked:')[0] ?? '')
  mustRefuse(finished, code)
  paper.say(`Refused, exit code ${finished.code}.`)
}

function mustRefuse(finished: Finished, code: string): void {
  mustHold(finished.code === 1 && finished.log.includes(code), `exit code 1 with ${code}`, finished)
}

function mustHold(holds: boolean, told: string, { code, log }: Finished): void {
  if (holds) return
  const said = log.split('\n').filter(line => !line.startsWith('::add-mask::'))
  throw new NotAsTold(`Told: ${told}. It ended with exit code ${code} and said:\n${said.join('\n')}`)
}

function exampleOf(summary: string): string {
  return `<!-- The summary of a real run; written by: npm run demo -- --write-example -->\n\n${summary}`
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`
}

try {
  await main()
} catch (error) {
  if (!(error instanceof NotAsTold)) throw error
  process.stderr.write(`\nThe demo did not behave as told. ${error.message}\n`)
  process.exitCode = 1
}
