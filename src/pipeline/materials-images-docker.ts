import { type Digest, hexOf } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { inParallel } from '../core/parallel.ts'
import { findingOf } from '../core/verdict.ts'
import type { Expectation } from '../policy/gate.ts'
import { attestationsOf, readAttestationManifest } from '../registry/attestation-manifest.ts'
import type { ContentReader } from '../registry/bundle-manifest.ts'
import type { Descriptor, ImageIndex } from '../registry/manifest.ts'
import type { Reference } from '../registry/reference.ts'
import { parseUnsignedStatement } from '../statements/parse.ts'
import type { GateAnswer, ImageGate } from './materials-images-gate.ts'

const PARALLEL = 4
const NO_RELATIVES = { platforms: [], parents: [], complete: true, skipped: [] }

interface DockerCase {
  readonly reference: Reference
  readonly index: ImageIndex
  readonly expectations: readonly Expectation[]
  readonly reader: ContentReader
  readonly gate: ImageGate
}

/**
 * `docker: true`: Docker signs neither index nor image but BuildKit's attestation manifest of each platform. So for each manifest
 * that a build may take, four things must agree on its digest (13-adversary 21): the index's entry
 * (`vnd.docker.reference.digest`), the attestation manifest's subject, the provenance statement in it, and all of that under a
 * signature about the attestation manifest, whose digest holds the statement.
 * Source: moby/policy-helpers `image/resolve.go`, `verifier.go`.
 * @param platforms manifests that a build may take.
 */
export async function judgeDocker(the: DockerCase, platforms: readonly Digest[]): Promise<GateAnswer> {
  const answers = await inParallel(platforms, PARALLEL, platform => judgePlatform(the, platform))
  const [first] = answers
  if (first === undefined) throw new TypeError('judgeDocker() without a platform')
  const failed = answers.find(({ kind }) => kind === 'rejected') ?? answers.find(({ kind }) => kind === 'unknown')
  if (failed !== undefined) return failed
  return first.kind === 'passed' ? { ...first, via: 'platforms' } : first
}

async function judgePlatform(the: DockerCase, platform: Digest): Promise<GateAnswer> {
  const entries = attestationsOf(the.index, platform)
  const failed: GateAnswer[] = entries.length === 0 ? [refused(the, noneFor(platform))] : []
  for (const entry of entries) {
    const answer = await judgeEntry(the, entry, platform).catch(error => refused(the, error))
    if (answer.kind === 'passed') return answer
    failed.push(answer)
  }
  const [told = refused(the, noneFor(platform))] = failed.toSorted(
    (a, b) => Number(b.kind === 'unknown') - Number(a.kind === 'unknown'),
  )
  return told
}

async function judgeEntry(the: DockerCase, entry: Descriptor, platform: Digest): Promise<GateAnswer> {
  const { reference, reader, gate, expectations } = the
  const { digest, statements } = await readAttestationManifest(reader, reference, entry, platform, isProvenance)
  const problem = statements.map(bytes => contradiction(bytes, platform)).find(found => found !== undefined)
  if (problem !== undefined) throw otherSubject(platform, problem)
  return gate.judge({ ...reference, digest }, expectations, async () => NO_RELATIVES)
}

function isProvenance(predicateType: string): boolean {
  return predicateType === 'https://slsa.dev/provenance/v1' || predicateType === 'https://slsa.dev/provenance/v0.2'
}

/** Every subject must be the platform: one more could be what the signer meant. */
function contradiction(bytes: Uint8Array, platform: Digest): string | undefined {
  const { subject, predicateType } = parseUnsignedStatement(bytes)
  if (!isProvenance(predicateType)) return `a statement of ${predicateType}`
  return subject.map(({ digest }) => digest.sha256 ?? 'no SHA-256').find(hex => hex !== hexOf(platform))
}

/** A policy or trust root that cannot be used stays what it is. */
function refused({ reference }: DockerCase, error: unknown): GateAnswer {
  const known = asWaybillError(error)
  if (known.kind === 'configuration') throw known
  return { kind: known.kind, findings: [findingOf(known, reference.canonical)] }
}

function noneFor(platform: Digest): Error {
  return fail('materials/no-attestation-manifest', `The index has no attestation manifest of ${platform}`, {
    expected: `an entry with vnd.docker.reference.digest ${platform}`,
    found: 'none',
  })
}

function otherSubject(platform: Digest, found: string): Error {
  return fail('registry/attestation-unusable', `The attestation manifest of ${platform} speaks of something else`, {
    expected: hexOf(platform),
    found,
  })
}
