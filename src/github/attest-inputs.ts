import { type CommitId, isCommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import type { Environment } from '../io/environment.ts'
import { type BuildInputs, checkBuilder, effectiveBuilder, readBuild } from './build-inputs.ts'
import { type BuildOptionInputs, readBuildOptions } from './build-option-inputs.ts'
import { checkFiles, type FileInputs, readFiles } from './file-inputs.ts'
import { ATTEST_INPUTS } from './input-table.ts'
import { contradiction, Inputs, malformed, maybe } from './inputs.ts'
import { checkMaterials, type MaterialsInputs, readMaterials } from './materials-inputs.ts'
import { checkSinks, readSinks, type SinkInputs } from './sink-inputs.ts'

export { maybe } from './inputs.ts'

export type SourceMode = 'auto' | 'enforce' | 'audit' | 'off'
export type TransparencyLog = 'auto' | 'public' | 'own' | 'none'

/** The inputs of the root action, typed; what contradicts itself was refused. Absent: not set. */
export interface AttestInputs extends BuildInputs, BuildOptionInputs, FileInputs, MaterialsInputs, SinkInputs {
  readonly commit?: CommitId
  readonly sourceMode: SourceMode
  /** Relative to the root of the repository. */
  readonly policy?: string
  readonly since?: CommitId
  /** As written; empty: the default of the repository. */
  readonly images: readonly string[]
  readonly tags: readonly string[]
  readonly allowRollback: boolean
  readonly push?: boolean
  readonly name?: string
  readonly sign: 'auto' | boolean
  readonly signingConfig?: string
  readonly trustedRoot?: string
  readonly transparencyLog: TransparencyLog
  readonly insecureRegistries: readonly string[]
  /** Paths, as written. */
  readonly caCertificates: readonly string[]
  readonly githubToken?: string
  readonly summary: boolean
  readonly result?: string
  readonly comment: 'auto' | 'always' | 'on-change' | 'never'
}

/** @throws `entry/input-unsupported`, `entry/input-malformed`, `entry/input-contradiction` */
export function readAttestInputs(env: Environment): AttestInputs {
  const inputs = new Inputs(env, ATTEST_INPUTS)
  const read: AttestInputs = {
    ...readSource(inputs),
    ...readBuild(inputs),
    ...readBuildOptions(inputs, env),
    ...readSubjects(inputs),
    ...readSigning(inputs),
    ...readFiles(inputs),
    ...readMaterials(inputs),
    ...readSinks(inputs),
    ...readShared(inputs),
    comment: inputs.choice('comment', ['auto', 'always', 'on-change', 'never']),
  }
  checkBuilder(read, inputs)
  checkPush(read)
  checkSigning(read)
  checkFiles(read)
  checkSource(read)
  checkMaterials(read)
  checkSinks(read)
  return { ...read, builder: effectiveBuilder(read) }
}

/** The inputs that both doors share. */
export function readShared(
  inputs: Inputs,
): Pick<AttestInputs, 'trustedRoot' | 'insecureRegistries' | 'caCertificates' | 'githubToken' | 'summary' | 'result'> {
  return {
    ...maybe('trustedRoot', inputs.text('trusted-root')),
    insecureRegistries: inputs.list('insecure-registries').map(hostOf),
    caCertificates: inputs.list('ca-certificates'),
    ...maybe('githubToken', tokenOf(inputs)),
    summary: inputs.flag('summary') ?? true,
    ...maybe('result', inputs.text('result')),
  }
}

/** The path of a policy inside the repository; a gate reads no other repository. */
export function policyPath(inputs: Inputs): string | undefined {
  const policy = inputs.text('policy')
  if (policy === undefined) return undefined
  if (/^[^/@:]+\/[^/@:]+@.+:/.test(policy))
    throw fail('entry/input-unsupported', 'A policy of another repository is not served here', {
      expected: 'a path inside the repository',
      found: policy,
      remedy: 'Give the path of a policy file in this repository, e.g. .github/waybill.yml',
    })
  const clean = policy.replace(/^\.\//, '')
  if (/^\/|^-|\\|\0/.test(clean) || clean.split('/').some(part => part === '..' || part === ''))
    throw malformed('policy', 'a path inside the repository, without ..', policy)
  return clean
}

function readSource(inputs: Inputs): Pick<AttestInputs, 'commit' | 'sourceMode' | 'policy' | 'since'> {
  return {
    ...maybe('commit', commitId(inputs, 'commit')),
    sourceMode: inputs.choice('source-mode', ['auto', 'enforce', 'audit', 'off']),
    ...maybe('policy', inputs.text('policy')),
    ...maybe('since', commitId(inputs, 'since')),
  }
}

const STEP_NAME = /^(?!state-)[a-z0-9][a-z0-9._-]{0,99}$/i

type SubjectInputs = Pick<AttestInputs, 'images' | 'tags' | 'allowRollback' | 'push' | 'name'>

function readSubjects(inputs: Inputs): SubjectInputs {
  return {
    images: inputs.list('images'),
    tags: inputs.list('tags'),
    allowRollback: inputs.flag('allow-rollback') ?? false,
    ...maybe('push', inputs.flag('push')),
    // It becomes the name of a folder and of artifacts: waybill-NAME, and waybill-state-NAME with the state.
    ...maybe('name', inputs.matching('name', STEP_NAME, 'letters, digits and . _ -, and not state- at its begin')),
  }
}

function readSigning(inputs: Inputs): Pick<AttestInputs, 'sign' | 'signingConfig' | 'transparencyLog'> {
  return {
    sign: inputs.text('sign') === 'auto' ? 'auto' : (inputs.flag('sign') ?? 'auto'),
    ...maybe('signingConfig', inputs.text('signing-config')),
    transparencyLog: inputs.choice('transparency-log', ['auto', 'public', 'own', 'none']),
  }
}

function checkPush({ push, tags, sign, digest }: AttestInputs): void {
  if (push !== false) return
  if (tags.length > 0)
    throw contradiction('Tags can be set only on an image that is pushed', 'push: true', 'push: false')
  if (sign === true)
    throw contradiction('A signature is attached to an image in a registry', 'push: true', 'push: false, sign: true')
  if (digest !== undefined)
    throw contradiction('An image given by its digest is in the registry already', 'no push', 'push: false')
}

function checkSigning({ sign, signingConfig, trustedRoot, transparencyLog: log, key }: AttestInputs): void {
  if (signingConfig !== undefined && trustedRoot === undefined)
    throw contradiction(
      'Signatures of own services can be verified with their trusted root only',
      'trusted-root: <path of trusted_root.json>',
      'signing-config without trusted-root',
    )
  if ((log === 'own' || (log === 'none' && key === undefined)) && signingConfig === undefined)
    throw contradiction(
      `transparency-log: ${log} needs own services: the public certificate authority has a public log, too`,
      'signing-config: <path of signing_config.json>',
      `transparency-log: ${log} without signing-config`,
    )
  if (log === 'public' && signingConfig !== undefined)
    throw contradiction('The services of signing-config are not the public log', 'transparency-log: own', 'public')
  if (sign === false && (signingConfig !== undefined || log !== 'auto'))
    throw contradiction('Nothing is signed, but it is said how', 'sign: auto', 'sign: false')
}

function checkSource({ sourceMode, since, policy }: AttestInputs): void {
  if (sourceMode === 'enforce' && since === undefined)
    throw contradiction(
      'source-mode: enforce needs the commit from which on all commits are judged',
      'since: <full id of the commit that brought the policy>',
      'no since',
    )
  if (sourceMode === 'off' && (since !== undefined || policy !== undefined))
    throw contradiction('Commits are not judged, but it is said how', 'source-mode: auto', 'source-mode: off')
}

function commitId(inputs: Inputs, name: string): CommitId | undefined {
  const value = inputs.text(name)
  if (value === undefined || isCommitId(value)) return value
  throw malformed(name, 'the full commit id: 40 lower-case hex digits', value)
}

/** Its value is never shown, whatever it is. */
function tokenOf(inputs: Inputs): string | undefined {
  const token = inputs.text('github-token')
  if (token === undefined || /^[\x21-\x7e]+$/.test(token)) return token
  throw malformed('github-token', 'a token on one line', 'other characters')
}

function hostOf(text: string): string {
  if (/^(\[[0-9a-f:]+\]|[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?)(:[0-9]{1,5})?$/.test(text)) return text
  throw malformed('insecure-registries', 'host or host:port, one a line', text)
}
