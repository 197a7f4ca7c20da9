import { fail } from '../core/error.ts'
import type { Environment } from '../io/environment.ts'
import { type AttestInputs, maybe, policyPath, readShared } from './attest-inputs.ts'
import { VERIFY_INPUTS } from './input-table.ts'
import { contradiction, Inputs, malformed } from './inputs.ts'

type SharedInputs = Pick<AttestInputs, 'trustedRoot' | 'insecureRegistries' | 'githubToken' | 'summary' | 'result'>

/** The inputs of the verify action, typed; what contradicts itself was refused. Absent: not set. */
export interface VerifyInputs extends SharedInputs {
  /** At least one, as written. */
  readonly images: readonly [string, ...string[]]
  readonly policy?: string
  readonly certificateIdentity?: string
  readonly certificateOidcIssuer?: string
  readonly repository?: string
  readonly repositoryId?: string
  readonly signer?: string
  readonly caller?: string
  readonly sourceRefs: readonly string[]
  readonly key?: string
  /** Items that must hold; empty: the default of the gate. */
  readonly require: readonly ('signature' | 'provenance')[]
}

/**
 * Nothing said about who is expected is no error here: the gate says `policy/no-expectation`.
 * @throws `entry/input-unsupported`, `entry/input-malformed`, `entry/input-missing`, `entry/input-contradiction`
 */
export function readVerifyInputs(env: Environment): VerifyInputs {
  const inputs = new Inputs(env, VERIFY_INPUTS)
  const read: VerifyInputs = {
    images: imagesOf(inputs),
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
    ...readShared(inputs),
  }
  checkExpectation(read)
  return read
}

function imagesOf(inputs: Inputs): readonly [string, ...string[]] {
  const [first, ...rest] = inputs.list('images')
  if (first === undefined)
    throw fail('entry/input-missing', 'There is nothing to verify: the input images is empty', {
      expected: 'one image a line',
      remedy: 'Set images: <repository>@sha256:<digest>',
    })
  return [first, ...rest]
}

function requirement(item: string): 'signature' | 'provenance' {
  if (item === 'signature' || item === 'provenance') return item
  throw malformed('require', 'signature or provenance, one a line', item)
}

/** Each way to say who is expected stands alone: two at once could be read as "either" or as "both". */
function checkExpectation(read: VerifyInputs): void {
  const { certificateIdentity: identity, certificateOidcIssuer: issuer, repository, repositoryId } = read
  if ((identity === undefined) !== (issuer === undefined))
    throw contradiction(
      'An identity means nothing without the issuer that vouches for it, and the other way round',
      'certificate-identity and certificate-oidc-issuer',
      identity === undefined ? 'no certificate-identity' : 'no certificate-oidc-issuer',
    )
  const github = repository !== undefined || repositoryId !== undefined
  const detail = [read.signer, read.caller].some(value => value !== undefined) || read.sourceRefs.length > 0
  if (detail && !github)
    throw contradiction(
      'signer, caller and source-ref are parts of what is expected of a repository',
      'repository: owner/name with repository-id',
      'no repository',
    )
  const ways = [
    read.policy === undefined ? [] : ['policy'],
    identity === undefined ? [] : ['certificate-identity'],
    github ? ['repository'] : [],
    read.key === undefined ? [] : ['key'],
  ].flat()
  if (ways.length > 1)
    throw contradiction('Several inputs say who is expected to have signed', `one of ${ways.join(', ')}`, 'all of them')
  if (read.policy === undefined) return
  // The rule says both; an input beside it would have to be ignored.
  if (read.require.length > 0)
    throw contradiction('A policy says itself what must hold', 'require in the deploy rule', 'policy and require')
  if (read.trustedRoot !== undefined)
    throw contradiction('A policy names its own trust root', 'trust in the deploy rule', 'policy and trusted-root')
}
