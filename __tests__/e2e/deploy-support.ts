import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Deployment } from '../../src/statements/deployment.ts'
import { parseDeployment } from '../../src/statements/deployment-document.ts'
import type { RunOptions } from '../fakes/runner.ts'
import { execute, inputVariables, type StepResult } from '../fakes/scenario.ts'
import { breaks } from '../report/schema.ts'
import { type GateBench, openGateBench, RESULT_SCHEMA, ruleOf } from './gate-support.ts'

const DIST = join(import.meta.dirname, '../../dist')
export const POLICY = '.github/waybill.yml'
export const DEPLOY_WORKFLOW = 'acme/app/.github/workflows/deploy.yml'
export const ENVIRONMENT = 'production'

/** A project whose policy names a deployer, with one published index. */
export interface DeployBench extends GateBench {
  /** Claims of a job of the deploy workflow in its environment. */
  claims(change?: Record<string, string | number | null>): Record<string, string | number | null>
  /** `dist/deploy.js` as that job. */
  deploy(inputs?: DeployGiven, run?: RunOptions, files?: Readonly<Record<string, string>>): Promise<DeployStep>
  /** A new image, built and signed as the rule asks. @returns `host/acme/app@sha256:…` */
  fresh(content: string): Promise<string>
  /** Text of a deploy rule with a deployer. */
  deployRule(more?: string): string
  readonly digest: string
  /** Entries of the log so far. */
  signatures(): number
  /** What the tag of `acme/app` points to. */
  tag(name: string, repository?: string): string | undefined
  /** Makes this the policy of the project. @returns what puts the old one back */
  withPolicy(deploy: string, work: () => Promise<void>): Promise<void>
}

export type DeployGiven = Readonly<Record<string, string | undefined>>

export interface DeployStep extends StepResult {
  readonly codes: readonly string[]
  readonly vsa: readonly {
    readonly name: string
    readonly reused: boolean
    readonly manifest: string
    readonly bundle: string
  }[]
  readonly deployment: Deployment | undefined
}

export async function openDeployBench(): Promise<DeployBench> {
  const bench = await openGateBench()
  const { scenario } = bench
  const { stack, repository, alice } = scenario
  const deployRule = (more = '') => `  - match: ["${stack.registry.host}/acme/**"]
${ruleOf(scenario)}    deployer: { sigstore: { identity: "${stack.git.url}/${DEPLOY_WORKFLOW}@refs/heads/main", issuer: "${stack.oidc.issuer}" }, environment: ${ENVIRONMENT} }
    admit: [deploy-verified]
${more}`
  repository.commit({
    message: 'Say who deploys',
    signer: alice,
    files: { [POLICY]: bench.policy(`deploy:\n${deployRule()}`) },
  })
  await scenario.publish()
  const claims: DeployBench['claims'] = (change = {}) => ({
    sha: repository.head() ?? '',
    environment: ENVIRONMENT,
    workflow_ref: `${DEPLOY_WORKFLOW}@refs/heads/main`,
    job_workflow_ref: `${DEPLOY_WORKFLOW}@refs/heads/main`,
    ...change,
  })
  const deploy: DeployBench['deploy'] = async (inputs = {}, given = {}, files = {}) => {
    const run = stack.run({ ...given, claims: { ...claims(), ...given.claims } })
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(run.workspace, name)), { recursive: true })
      writeFileSync(join(run.workspace, name), text)
    }
    const all = {
      images: bench.reference,
      environment: ENVIRONMENT,
      'signing-config': stack.signingConfigFile,
      'transparency-log': 'own',
      ...inputs,
    }
    const finished = await execute(
      [join(DIST, 'deploy.js')],
      { ...run.environment, ...inputVariables(all) },
      run.workspace,
    )
    const outputs = run.outputs()
    const result = JSON.parse(readFileSync(outputs.result ?? '', 'utf8'))
    const broken = breaks(RESULT_SCHEMA, result)
    if (broken.length > 0) throw new Error(broken.join('\n'))
    const findings = result.subjects.flatMap(
      (subject: { findings: { code: string; severity: string }[] }) => subject.findings,
    )
    const against = findings.filter((item: { severity: string }) => item.severity === 'reject')
    return {
      ...finished,
      outputs,
      summary: run.summary(),
      result,
      run,
      codes: [
        ...(result.error === undefined ? [] : [result.error.code]),
        ...against.map((item: { code: string }) => item.code),
      ],
      vsa: JSON.parse(outputs.vsa || '[]'),
      deployment: existsSync(outputs.deployment ?? '')
        ? parseDeployment(readFileSync(outputs.deployment ?? ''))
        : undefined,
    }
  }
  const commitPolicy = async (policy: string): Promise<void> => {
    repository.commit({ message: 'Change who deploys', signer: alice, files: { [POLICY]: policy } })
    await scenario.publish()
  }
  return {
    ...bench,
    claims,
    deploy,
    deployRule,
    digest: bench.reference.slice(bench.reference.indexOf('@') + 1),
    signatures: () => stack.fulcio.log.filter(({ method }) => method === 'POST').length,
    tag: (name, of = 'acme/app') => stack.registry.storage.open(of).tags.get(name),
    fresh: async content => {
      const digest = await bench.image(content)
      const facts = { builder: 'layout', source: { mode: 'enforce', verdict: 'passed' } } as const
      const bundles = [await bench.here.signature(digest), await bench.here.provenance(digest, {}, facts)]
      await bench.here.attach(digest, ...bundles)
      return `${scenario.image}@${digest}`
    },
    withPolicy: async (deployBlock, work) => {
      const before = readFileSync(join(repository.folder, POLICY), 'utf8')
      await commitPolicy(bench.policy(deployBlock))
      await work().finally(() => commitPolicy(before))
    },
  }
}
