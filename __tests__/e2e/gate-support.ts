import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Receipt, SubjectReceipt } from '../../src/report/receipt.ts'
import { type Forger, openForger } from '../fakes/forge.ts'
import { writeLayout } from '../fakes/layout.ts'
import { policyOf, type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'
import { breaks, type Schema } from '../report/schema.ts'

export const RESULT_SCHEMA = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../schemas/result.json'), 'utf8'),
) as Schema

export const WORKFLOW = 'acme/app/.github/workflows/release.yml@refs/heads/main'
export const REPOSITORY_ID = '792829709'

export interface Judged {
  readonly code: number
  readonly receipt: Receipt
  /** The first image. */
  readonly subject: SubjectReceipt | undefined
  /** Codes of what is held against the first image, or of the error. */
  readonly codes: readonly string[]
  readonly notes: readonly string[]
}

/** A project with one published index, made by the bundled action, and somebody who can sign and push anything. */
export interface GateBench {
  readonly scenario: Scenario
  /** Certificates speak of the scenario's own server; the published image's do, too. */
  readonly here: Forger
  /** Certificates speak of https://github.com, as flags that name a repository expect. */
  readonly github: Forger
  readonly published: StepResult
  /** `host/acme/app@sha256:…` of the published index. */
  readonly reference: string
  readonly children: readonly string[]
  /** The project's policy with a deploy rule that accepts its images, or with this text instead of it. */
  policy(deploy?: string): string
  /** A pushed image with this content that nobody has signed. @returns its digest. */
  image(content: string): Promise<string>
  /** `waybill verify image … --json`, parsed and compared with schemas/result.json. */
  verify(references: string | readonly string[], flags?: readonly string[]): Promise<Judged>
  close(): Promise<void>
}

/** `build:` and `trust:` of a rule for runs of this project, indented for a deploy rule. */
export function ruleOf(scenario: Scenario): string {
  const { stack } = scenario
  return `    build:
      sigstore: { identity: "${stack.git.url}/${WORKFLOW}", issuer: "${stack.oidc.issuer}" }
      builders: [layout]
    require: [signature, provenance]
    trust: { file: trust/root.json }
`
}

export async function openGateBench(): Promise<GateBench> {
  const scenario = await startScenario()
  const { stack, repository, alice, bob, image } = scenario
  const rule = `deploy:\n  - match: ["${stack.registry.host}/acme/**"]\n${ruleOf(scenario)}`
  const policy = (deploy = rule) => policyOf(alice, bob, deploy)
  repository.commit({
    message: 'Say who may deploy',
    signer: alice,
    files: {
      '.github/waybill.yml': policy(),
      '.github/trust/root.json': readFileSync(stack.trustedRootFile, 'utf8'),
    },
  })
  await scenario.publish()
  const layout = writeLayout(join(stack.folder, 'published'), { platforms: ['linux/amd64', 'linux/arm64'] })
  const published = await scenario.attest({ builder: 'layout', layout: layout.folder, tags: 'v1' })
  if (published.code !== 0) throw new Error(published.log)
  const [here, github] = await Promise.all([openForger(stack, image), openForger(stack, image, 'https://github.com')])
  return {
    scenario,
    here,
    github,
    published,
    reference: `${image}@${layout.digest}`,
    children: layout.children,
    policy,
    image: content => here.push(writeLayout(join(stack.folder, `image-${content}`), { content }).folder),
    verify: (references, flags = scenario.expected) => verify(scenario, [references].flat(), flags),
    close: async () => {
      here.close()
      github.close()
      await scenario.close()
    },
  }
}

async function verify(scenario: Scenario, references: readonly string[], flags: readonly string[]): Promise<Judged> {
  const { code, stdout, log } = await scenario.cli(['verify', 'image', ...references, ...flags, '--json'])
  // The object is all that is written: nothing before, behind or beside it.
  expect(log).toBe(stdout)
  const receipt = JSON.parse(stdout) as Receipt
  expect(breaks(RESULT_SCHEMA, receipt)).toEqual([])
  const [subject] = receipt.subjects
  const findings = subject?.findings ?? []
  const against = findings.filter(({ severity }) => severity === 'reject')
  return {
    code,
    receipt,
    subject,
    codes: [
      ...new Set([...(receipt.error === undefined ? [] : [receipt.error.code]), ...against.map(({ code }) => code)]),
    ],
    notes: findings.filter(({ severity }) => severity === 'note').map(({ code, message }) => `${code}: ${message}`),
  }
}
