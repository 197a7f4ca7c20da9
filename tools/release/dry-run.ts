/**
 * `node tools/release/dry-run.ts [--name NAME]`: the release on this machine up to the call that would publish. Packs `dist/`,
 * attests the tarball with the program that is in it, against the embedded stack, by the inputs of release.yml, gates it, shows
 * that a changed one is refused, and prints what a release would go on to do. Nothing leaves the machine.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { openForger } from '../../__tests__/fakes/forge.ts'
import type { RunOptions } from '../../__tests__/fakes/runner.ts'
import {
  execute,
  type Finished,
  inputVariables,
  REPOSITORY,
  type Scenario,
  startScenario,
} from '../../__tests__/fakes/scenario.ts'
import { requireOwnNames } from '../../src/statements/uris.ts'
import { sectionOf } from './changelog.ts'
import { planMajorMove, refsIn } from './major-move.ts'
import { pack } from './stage.ts'
import { inputsOf, releaseStep } from './steps.ts'
import { type Release, releaseOf } from './version.ts'

const GITHUB = 'https://github.com'
const ROOT = join(import.meta.dirname, '../..')

interface Trial {
  readonly scenario: Scenario
  readonly release: Release
  readonly tag: string
  /** The commit that the tag is about. */
  readonly commit: string
  /** Where the packed program was unpacked. */
  readonly program: string
  /** What the tarball is called in the workspace of every job. */
  readonly file: string
  readonly bytes: Buffer
}

async function main(name: string | undefined): Promise<void> {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  const tag = `v${version}`
  const release = releaseOf(tag, version)
  sectionOf(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'), version)
  say(`check    ${tag} is what package.json says, and CHANGELOG.md has a section for it`)
  say(`         ${homeOfNames()}`)
  const scenario = await startScenario()
  try {
    const trial = await prepare(scenario, release, tag, name)
    await attest(trial)
    await gate(trial)
    tellRest(trial, name)
  } finally {
    await scenario.close()
  }
}

/** A real release ends here; a trial goes on with the development build, which signs with these names. */
function homeOfNames(): string {
  try {
    requireOwnNames(true)
    return 'own names have a home'
  } catch {
    return 'own names have no home yet: a real release ends here (OWN_URI_BASE in src/statements/uris.ts)'
  }
}

/** A repository with a tag that its maintainer signed, and the package of this checkout. */
async function prepare(scenario: Scenario, release: Release, tag: string, name: string | undefined): Promise<Trial> {
  const { repository, alice, stack } = scenario
  const policy = readFileSync(join(repository.folder, '.github/waybill.yml'), 'utf8')
  const rule = '  - refs: ["refs/tags/v*"]\n    tag: { signers: ["@maintainers"], on: [refs/heads/main] }\n'
  const files = { '.github/waybill.yml': policy.replace('policy-change:', `${rule}policy-change:`) }
  repository.commit({ message: 'Say who releases', signer: alice, files })
  repository.tag(tag, { signer: alice })
  await scenario.publish()
  const url = `https://github.com/${REPOSITORY}`
  const packed = pack({
    root: ROOT,
    out: join(stack.folder, 'release'),
    repository: url,
    ...(name === undefined ? {} : { name }),
  })
  const bytes = readFileSync(packed.path)
  say(`pack     ${basename(packed.path)}, ${bytes.length} bytes, sha256:${sha256(bytes)}, the same twice`)
  const program = join(stack.folder, 'unpacked')
  mkdirSync(program)
  execFileSync('tar', ['-xzf', packed.path, '-C', program])
  const file = `release/${basename(packed.path)}`
  return { scenario, release, tag, commit: repository.head() ?? '', program: join(program, 'package'), file, bytes }
}

async function attest(trial: Trial): Promise<void> {
  const { scenario, program, file, bytes } = trial
  const job = jobOf(trial, {})
  const inputs = {
    ...inputsOf(releaseStep(ROOT, 'attest', 'waybill'), valuesOf(trial)),
    'signing-config': scenario.stack.signingConfigFile,
    'trusted-root': scenario.stack.trustedRootFile,
    since: scenario.anchor,
  }
  put(job.workspace, file, bytes)
  mustBe(0, await run(program, 'attest.js', job.environment, inputs), 'the package is attested')
  cpSync(join(job.workspace, `${file}.sigstore.json`), bundleOf(trial))
  say(`attest   ${file}.sigstore.json, by the program in the package; source: ${job.outputs()['source-verdict']}`)
}

async function gate(trial: Trial): Promise<void> {
  const { scenario, tag, file, bytes } = trial
  const own = identityInputs(trial)
  mustBe(0, await judge(trial, own), 'the gate accepts the package')
  say('gate     passed: signed by this workflow on this tag')
  mustBe(1, await judge(trial, own, Buffer.concat([bytes, Buffer.of(0)])), 'the gate rejects a changed package')
  say('gate     rejected, with one byte added: nothing below would happen')
  // On loopback the platform has no https, which the inputs of release.yml insist on; so they judge what a run on github.com gets.
  const forger = await openForger(scenario.stack, scenario.image, GITHUB)
  const inputs = inputsOf(releaseStep(ROOT, 'gate', 'file'), valuesOf(trial))
  const claims = { ref: `refs/tags/${tag}`, sha: trial.commit }
  for (const [code, said, more] of [
    [0, 'passed: the inputs of release.yml, on a signature of this tag by github.com', {}],
    [1, 'rejected: the same from a branch', { ref: 'refs/heads/main' }],
    [1, 'rejected: the same from a fork', { repository: 'mallory/app', repository_id: '666' }],
  ] as const) {
    writeFileSync(bundleOf(trial), await forger.signature(`sha256:${sha256(bytes)}`, { ...claims, ...more }))
    mustBe(code, await judge(trial, inputs), `the gate ${said}`)
    say(`gate     ${said}`)
  }
  forger.close()
  if (inputs.files !== file) throw new Error(`The gate of release.yml judges ${inputs.files}, not ${file}`)
}

/** The same expectation as one identity. */
function identityInputs(trial: Trial): Record<string, string> {
  const { files = '', signer } = inputsOf(releaseStep(ROOT, 'gate', 'file'), valuesOf(trial))
  const identity = `${trial.scenario.stack.git.url}/${signer}`
  return { files, 'certificate-identity': identity }
}

/** In a fresh workspace, with a token that only reads. */
function judge(trial: Trial, inputs: Record<string, string>, bytes: Uint8Array = trial.bytes): Promise<Finished> {
  const { scenario, file } = trial
  const job = jobOf(trial, { idToken: false })
  put(job.workspace, file, bytes)
  cpSync(bundleOf(trial), join(job.workspace, `${file}.sigstore.json`))
  const { trustedRootFile, oidc } = scenario.stack
  const here = { 'trusted-root': trustedRootFile, 'certificate-oidc-issuer': oidc.issuer, quarantine: 'off' }
  const all = { ...inputs, ...here }
  return run(ROOT, 'verify.js', job.environment, all)
}

/** What is left is shown, not done. */
function tellRest(trial: Trial, name: string | undefined): void {
  const { scenario, release, tag, file } = trial
  const { run: publish = '' } = releaseStep(ROOT, 'publish', 'publish')
  const command = publish.trim().replace('$FILE', file).replace('$DIST_TAG', release.distTag)
  say(`publish  would run: ${command}`)
  if (name === undefined) say('         and npm would refuse it: the package says private, until NPM_PACKAGE names one')
  const refs = refsIn(scenario.repository.git('ls-remote', '--tags', scenario.repository.folder))
  const move = planMajorMove(tag, refs)
  const tells = move.kind === 'move' ? `would go from ${move.from ?? 'nowhere'} to ${move.to}` : `stays: ${move.reason}`
  say(`release  would create ${tag} with the package and its bundle`)
  say(`         ${move.tag} ${tells}`)
}

function valuesOf({ scenario, tag, file }: Trial): Readonly<Record<string, string>> {
  const claims = scenario.stack.oidc.claims()
  return {
    'needs.package.outputs.file': file,
    'github.repository': REPOSITORY,
    'github.repository_id': String(claims.repository_id),
    'github.ref': `refs/tags/${tag}`,
  }
}

function jobOf({ scenario, tag, commit }: Trial, options: RunOptions) {
  return scenario.stack.run({ ...options, claims: { sha: commit, ref: `refs/tags/${tag}` } })
}

function bundleOf({ scenario }: Trial): string {
  return join(scenario.stack.folder, 'kept.sigstore.json')
}

function put(workspace: string, file: string, bytes: Uint8Array): void {
  mkdirSync(join(workspace, 'release'), { recursive: true })
  writeFileSync(join(workspace, file), bytes)
}

function run(
  folder: string,
  door: string,
  env: Record<string, string>,
  inputs: Record<string, string>,
): Promise<Finished> {
  return execute([join(folder, 'dist', door)], { ...env, ...inputVariables(inputs) }, folder)
}

function mustBe(code: number, finished: Finished, claim: string): void {
  if (finished.code !== code)
    throw new Error(`It does not hold that ${claim} (exit ${finished.code}):\n${finished.log}`)
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

const { values } = parseArgs({ options: { name: { type: 'string' } } })
try {
  await main(values.name)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
