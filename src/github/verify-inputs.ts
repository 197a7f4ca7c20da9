import { fail } from '../core/error.ts'
import { maybe } from '../core/maybe.ts'
import type { Environment } from '../io/environment.ts'
import { type AttestInputs, policyPath, readShared } from './attest-inputs.ts'
import { VERIFY_INPUTS } from './input-table.ts'
import { contradiction, Inputs, malformed } from './inputs.ts'
import { checkUrl, readUrl, type UrlInputs } from './url-inputs.ts'

type SharedInputs = Pick<
  AttestInputs,
  'trustedRoot' | 'insecureRegistries' | 'caCertificates' | 'githubToken' | 'summary' | 'result'
>

/** What is verified, as written: at least one of all. */
export interface VerifySubjects {
  readonly images: readonly string[]
  /** Globs. */
  readonly files: readonly string[]
  readonly manifests: readonly string[]
  readonly compose: readonly string[]
}

/** Who is expected to have signed, and what must hold. Absent: not set. */
export interface VerifyExpected {
  readonly policy?: string
  readonly certificateIdentity?: string
  readonly certificateOidcIssuer?: string
  readonly repository?: string
  readonly repositoryId?: string
  readonly signer?: string
  readonly caller?: string
  readonly sourceRefs: readonly string[]
  readonly key?: string
  /** Items that must hold; empty: the default of the gate, which also knows which items there are. */
  readonly require: readonly string[]
  readonly stage: 'deploy' | 'run'
  readonly predicateType?: string
}

/** Where evidence lies, and what becomes of the verdict; paths as written. Absent: not set. */
export interface VerifyWays {
  readonly filesRepository?: string
  readonly bundles: readonly string[]
  readonly offline: boolean
  readonly pin: boolean
  readonly sarif?: string
  readonly events?: string
  readonly quarantine?: 'off' | 'files' | 'attest' | 'retag'
  readonly quarantineDirectory?: string
  /** Of `attest` and `retag`: the services that records are signed with, and what may be told in public. */
  readonly signingConfig?: string
  readonly transparencyLog: AttestInputs['transparencyLog']
}

/** The inputs of the verify action, typed; what contradicts itself was refused. */
export type VerifyInputs = SharedInputs & VerifySubjects & UrlInputs & VerifyExpected & VerifyWays

/**
 * Nothing said about who is expected is no error here: the gate says `policy/no-expectation`.
 * @throws `entry/input-unsupported`, `entry/input-malformed`, `entry/input-missing`, `entry/input-contradiction`
 */
export function readVerifyInputs(env: Environment): VerifyInputs {
  const inputs = new Inputs(env, VERIFY_INPUTS)
  const read: VerifyInputs = {
    ...readSubjects(inputs, inputs.text('url')),
    ...readUrl(inputs),
    ...readExpected(inputs),
    ...readWays(inputs),
    ...readShared(inputs),
  }
  checkUrl(read, { ...read, subjects: SUBJECTS.flatMap(name => read[name]).length })
  checkIdentity(read)
  checkWays(read)
  checkPolicy(read)
  checkPin(read)
  checkRecords(read)
  return read
}

const SUBJECTS = ['images', 'files', 'manifests', 'compose'] as const

/** @param url what may stand in their place. @throws `entry/input-missing` */
export function readSubjects(inputs: Inputs, url?: string): VerifySubjects {
  const subjects = {
    images: inputs.list('images'),
    files: inputs.list('files'),
    manifests: inputs.list('manifests'),
    compose: inputs.list('compose'),
  }
  if (Object.values(subjects).every(list => list.length === 0) && url === undefined)
    throw fail('entry/input-missing', 'There is nothing to judge: every input that names something is empty', {
      expected: 'at least one image, file, manifest or compose file',
      remedy: 'Set images: <repository>@sha256:<digest>',
    })
  return subjects
}

function readExpected(inputs: Inputs): VerifyExpected {
  return {
    ...maybe('policy', policyPath(inputs)),
    ...maybe('certificateIdentity', inputs.text('certificate-identity')),
    ...maybe('certificateOidcIssuer', inputs.matching('certificate-oidc-issuer', /^https?:\/\/\S+$/, 'a URL')),
    ...maybe('repository', inputs.matching('repository', /^[A-Za-z0-9_-]+\/[A-Za-z0-9._-]+$/, 'owner/name')),
    ...maybe('repositoryId', inputs.matching('repository-id', /^(any|[1-9][0-9]{0,18})$/, 'a number, or any')),
    ...maybe('signer', inputs.text('signer')),
    ...maybe('caller', inputs.text('caller')),
    sourceRefs: inputs.list('source-ref'),
    ...maybe('key', inputs.text('key')),
    require: inputs.list('require').map(requirement),
    stage: inputs.choice('stage', ['deploy', 'run']),
    ...maybe('predicateType', inputs.matching('predicate-type', /^https?:\/\/\S+$/, 'the URI of a predicate type')),
  }
}

export function readWays(inputs: Inputs): VerifyWays {
  const modes = ['off', 'files', 'attest', 'retag'] as const
  return {
    ...maybe('filesRepository', inputs.text('files-repository')),
    bundles: inputs.list('bundles'),
    offline: inputs.flag('offline') ?? false,
    pin: inputs.flag('pin') ?? false,
    ...maybe('sarif', inputs.text('sarif')),
    ...maybe('events', inputs.text('events')),
    ...(inputs.text('quarantine') === undefined ? {} : { quarantine: inputs.choice('quarantine', modes) }),
    ...maybe('quarantineDirectory', inputs.text('quarantine-directory')),
    ...maybe('signingConfig', inputs.text('signing-config')),
    transparencyLog: inputs.choice('transparency-log', ['auto', 'public', 'own', 'none']),
  }
}

/** The gate knows which there are; here only what cannot be one: a list on one line, which would be read as one item. */
function requirement(item: string): string {
  if (/^[a-z]+(-[a-z]+)*$/.test(item)) return item
  throw malformed('require', 'one item a line, for instance signature', item)
}

/** A GitHub server other than the public one has an issuer of its own, so the issuer goes with a repository, too. */
function checkIdentity(read: VerifyInputs): void {
  const { certificateIdentity: identity, certificateOidcIssuer: issuer } = read
  if (identity !== undefined && issuer === undefined)
    throw contradiction(
      'An identity means nothing without the issuer that vouches for it',
      'certificate-identity and certificate-oidc-issuer',
      'no certificate-oidc-issuer',
    )
  if (issuer !== undefined && identity === undefined && !namesRepository(read))
    throw contradiction(
      'An issuer vouches for everybody who ever asks it',
      'certificate-identity or repository with certificate-oidc-issuer',
      'certificate-oidc-issuer alone',
    )
  const detail = [read.signer, read.caller].some(value => value !== undefined) || read.sourceRefs.length > 0
  if (detail && !namesRepository(read))
    throw contradiction(
      'signer, caller and source-ref are parts of what is expected of a repository',
      'repository: owner/name with repository-id',
      'no repository',
    )
}

function namesRepository({ repository, repositoryId }: VerifyInputs): boolean {
  return repository !== undefined || repositoryId !== undefined
}

/** Each way to say who is expected stands alone: two at once could be read as "either" or as "both". */
function checkWays(read: VerifyInputs): void {
  const ways = [
    read.policy === undefined ? [] : ['policy'],
    read.certificateIdentity === undefined ? [] : ['certificate-identity'],
    namesRepository(read) ? ['repository'] : [],
    read.key === undefined ? [] : ['key'],
  ].flat()
  if (ways.length > 1)
    throw contradiction('Several inputs say who is expected to have signed', `one of ${ways.join(', ')}`, 'all of them')
}

/** The rule says it; an input beside it would have to be ignored. */
function checkPolicy(read: VerifyInputs): void {
  if (read.policy === undefined) {
    if (read.stage === 'run')
      throw contradiction(
        'Only a policy says what must hold where it runs',
        'policy with stage: run',
        'stage: run alone',
      )
    return
  }
  if (read.require.length > 0)
    throw contradiction('A policy says itself what must hold', 'require in the deploy rule', 'policy and require')
  if (read.predicateType !== undefined)
    throw contradiction(
      'A policy says itself what must hold',
      'require in the deploy rule',
      'policy and predicate-type',
    )
  if (read.offline)
    throw contradiction(
      'The policy of the commit is read from its server',
      'certificate-identity, repository or key, with offline: true',
      'policy with offline: true',
    )
  if (read.trustedRoot !== undefined)
    throw contradiction('A policy names its own trust root', 'trust in the deploy rule', 'policy and trusted-root')
}

function checkPin({ pin, manifests, compose }: VerifyInputs): void {
  if (pin && manifests.length === 0 && compose.length === 0)
    throw contradiction(
      'Only manifests and compose files can be pinned',
      'manifests or compose with pin: true',
      'neither',
    )
}

function checkRecords({ quarantine, offline, signingConfig, transparencyLog: log }: VerifyInputs): void {
  const signs = quarantine === 'attest' || quarantine === 'retag'
  if (!signs && (signingConfig !== undefined || log !== 'auto'))
    throw contradiction(
      'Only quarantine records are signed here, and none is',
      'quarantine: attest or retag',
      `quarantine: ${quarantine ?? 'files'}`,
    )
  if (signs && offline)
    throw contradiction(
      'A quarantine record is signed by services and written to a registry',
      'offline: false',
      `offline: true with quarantine: ${quarantine}`,
    )
  checkLog({ transparencyLog: log, ...maybe('signingConfig', signingConfig) })
}

/** 13-adversary 23: the public certificate authority has a public log of its own. */
export function checkLog(
  { transparencyLog: log, signingConfig }: Pick<VerifyWays, 'transparencyLog' | 'signingConfig'>,
  keyed = false,
): void {
  if ((log === 'own' || (log === 'none' && !keyed)) && signingConfig === undefined)
    throw contradiction(
      `transparency-log: ${log} needs own services: the public certificate authority has a public log, too`,
      'signing-config: <path of signing_config.json>',
      `transparency-log: ${log} without signing-config`,
    )
  if (log === 'public' && signingConfig !== undefined)
    throw contradiction('The services of signing-config are not the public log', 'transparency-log: own', 'public')
}
