import { CATALOGUE } from '../core/catalogue.ts'
import type { Digest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import type { ObservedSigner } from '../core/signer.ts'
import { type Expectation, type ExpectationFlags, expectationFromFlags } from '../policy/gate.ts'
import { fetchBundles, type ReadBundles } from '../registry/bundles.ts'
import type { Repository } from '../registry/reference.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import type { Built } from './build-stage.ts'
import type { ServedImage } from './digest-stage.ts'
import { claimedRequirements } from './materials-statements.ts'
import { errorOf, type RunRecord } from './run.ts'
import type { Signed } from './sign-stage.ts'
import type { SourceOutcome } from './source-stage.ts'
import { liesBeside } from './stated.ts'
import { subjectsOf } from './subjects-of.ts'
import { judge } from './verify-subject.ts'

/**
 * Reads everything back from the registry and judges it with the gate's own code, expecting exactly this run's identity or key.
 * Attestations that others planted are named and ignored; what counts is that ours are served and verify.
 */
export function selfVerify(
  request: AttestRequest,
  ports: AttestPorts,
  { source, built, image, signed }: Published,
  record: RunRecord,
): Promise<void> {
  return record.stages.run('self-verify', undefined, async () => {
    const { signer } = signed
    const flags = expectationFromFlags({ ...flagsOf(signer), require: ['signature', 'provenance'] })
    // Of this run's own builder: a recorded image claims no commit, which nobody else's gate accepts unasked.
    const sourced = { ...flags, ...sourceExpectation(flags, source, signed, record) }
    const expectation: Expectation = {
      ...sourced,
      builders: [built.result.builder],
      commit: source.commit.id,
      // What is claimed about materials must hold by the very rules that others apply.
      require: [
        ...sourced.require,
        ...claimedRequirements(built),
        ...(signed.comparison === undefined ? [] : (['reproducible'] as const)),
      ],
    }
    const checks = image.repositories.flatMap(repository => {
      const the = { ports, image, signed, expectation, read: new Map() }
      return subjectsOf(image).map(subject => check(repository, subject.digest, the))
    })
    await Promise.all(checks)
    if (request.tags.length === 0) record.stages.notAsked('tags')
    return { state: 'passed', value: undefined }
  })
}

function flagsOf(signer: ObservedSigner): ExpectationFlags {
  if (signer.kind === 'key') return { key: { file: 'the key of this run', fingerprint: signer.fingerprint } }
  return { certificateIdentity: signer.san.value, certificateOidcIssuer: signer.issuer }
}

/** What was stated about the source must be found by the same steps, from the image's digest to the anchor. */
function sourceExpectation(
  { require, build }: Expectation,
  { judgement }: SourceOutcome,
  signed: Signed,
  { policy }: RunRecord,
): Partial<Expectation> {
  if (signed.source === undefined || judgement === undefined || policy === undefined) return {}
  const { anchor, law } = judgement
  return {
    require: [...require, 'source-accepted', ...(signed.source.reviewed ? (['source-reviewed'] as const) : [])],
    source: { policy: policy.uri, anchor, digest: law.policyDigest, exceptions: 'allow', signer: build },
  }
}

interface Published {
  readonly source: SourceOutcome
  readonly built: Built
  readonly image: ServedImage
  readonly signed: Signed
}

interface Check {
  readonly ports: AttestPorts
  readonly image: ServedImage
  readonly signed: Signed
  readonly expectation: Expectation
  readonly read: ReadBundles
}

async function check(
  repository: Repository,
  digest: Digest,
  { ports, image, signed, expectation, read }: Check,
): Promise<void> {
  const reference = { ...repository, canonical: `${repository.host}/${repository.repository}`, digest }
  const platforms = digest === image.descriptor.digest ? platformDigests(image) : []
  const { verdict, statements } = await judge({ reference, digest, platforms }, expectation, {
    bundles: () => fetchBundles(ports.registry, repository, digest, { read }),
    verifier: () => ports.verifier(),
    now: ports.now(),
  })
  if (verdict.kind === 'unknown') throw verdict.cause
  // What a stranger should do about a missing signature is no advice to the run that has just stored it.
  const { remedy } = CATALOGUE['verify/self-check']
  if (verdict.kind === 'rejected') throw errorOf({ ...verdict.findings[0], remedy }, 'rejected')
  const served = new Set(statements.map(statement => statement.bundle))
  const missing = signed.bundles.find(bundle => liesBeside(bundle.bytes, digest) && !served.has(bundle.digest))
  if (missing === undefined) return
  throw fail(
    'verify/self-check',
    `The registry does not serve the ${missing.predicateType} of this run for ${digest}`,
    {
      expected: missing.digest,
      found: [...served].join(', ') || 'no bundle that verifies',
    },
  )
}

function platformDigests(image: ServedImage): readonly Digest[] {
  return image.kind === 'index' ? image.platforms.map(platform => platform.digest) : []
}
