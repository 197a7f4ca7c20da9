import { fail } from '../core/error.ts'
import { maybe } from '../core/maybe.ts'
import type { Environment } from '../io/environment.ts'
import { type AttestInputs, policyPath, readShared } from './attest-inputs.ts'
import { DEPLOY_INPUTS } from './input-table.ts'
import { contradiction, Inputs } from './inputs.ts'
import { checkLog, readSubjects, readWays, type VerifySubjects, type VerifyWays } from './verify-inputs.ts'

export type PolicyEngine = 'none' | 'policy-controller' | 'kyverno'

/** The inputs of the deploy action, typed; what contradicts itself was refused. Paths as written; absent: not set. */
export interface DeployInputs
  extends VerifySubjects,
    Omit<VerifyWays, 'offline'>,
    Pick<AttestInputs, 'insecureRegistries' | 'caCertificates' | 'githubToken' | 'summary' | 'result'> {
  readonly policy: string
  readonly environment: string
  /** The private key that signs; `env:NAME` or a path. */
  readonly key?: string
  readonly keyPassword?: string
  readonly promote: readonly string[]
  readonly annotate: boolean
  readonly policies: PolicyEngine
  readonly output: string
}

/** @throws `entry/input-unsupported`, `entry/input-malformed`, `entry/input-missing`, `entry/input-contradiction` */
export function readDeployInputs(env: Environment): DeployInputs {
  const inputs = new Inputs(env, DEPLOY_INPUTS)
  const { offline: _never, ...ways } = readWays(inputs)
  const read: DeployInputs = {
    ...readSubjects(inputs),
    ...ways,
    ...readShared(inputs),
    policy: policyPath(inputs) ?? '.github/waybill.yml',
    environment: environmentOf(inputs),
    ...maybe('key', inputs.text('key')),
    ...maybe('keyPassword', inputs.text('key-password')),
    promote: inputs.list('promote'),
    annotate: inputs.flag('annotate') ?? false,
    policies: inputs.choice('policies', ['none', 'policy-controller', 'kyverno']),
    output: inputs.text('output') ?? 'waybill-deploy',
  }
  checkLog(read, read.key !== undefined)
  if (read.key === undefined && read.keyPassword !== undefined)
    throw contradiction('A password needs a key', 'key with key-password', 'key-password alone')
  if (read.annotate && read.manifests.length === 0)
    throw contradiction('Only pod templates are annotated', 'manifests with annotate: true', 'no manifests')
  if (read.annotate && !read.pin)
    throw contradiction('What is annotated is written with digests', 'pin: true with annotate: true', 'pin: false')
  return read
}

function environmentOf(inputs: Inputs): string {
  const environment = inputs.text('environment')
  if (environment !== undefined) return environment
  throw fail('entry/input-missing', 'Nothing says which environment is deployed to', {
    expected: 'environment',
    remedy: 'Set environment: NAME in the step, and the same environment: NAME in the job.',
  })
}
