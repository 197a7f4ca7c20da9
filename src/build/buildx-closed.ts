import { join } from 'node:path'
import { sha256 } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { writeFileAtomic } from '../io/files.ts'
import { run } from '../io/process.ts'
import type { Enforcement, ObservedMaterial } from './allowed.ts'
import { eachOnce, historyReference, observedInMetadata, observedInPredicate } from './buildkit-provenance.ts'
import { proveEnforced } from './canary.ts'
import { compareObserved } from './observed.ts'
import type { CheckedRequest } from './request.ts'
import { sourcePolicy } from './source-policy.ts'

/** The variable by which buildx takes a source policy: the path of a file. Source: buildx 0.29.1 `ReadSourcePolicy`. */
export const SOURCE_POLICY = 'EXPERIMENTAL_BUILDKIT_SOURCE_POLICY'

interface ClosingWorld {
  readonly docker: string
  readonly env: Readonly<Record<string, string>>
  readonly folder: string
  /** What the job itself hands over as a source policy. */
  readonly second: string | undefined
  readonly platforms: readonly string[]
}

/** What a closed build adds to the call and to its result. */
export interface Closed {
  readonly env: Readonly<Record<string, string>>
  readonly facts: { readonly enforcement?: Enforcement }
}

/**
 * Writes the source policy of a request with `allowed` and has the builder prove that it obeys it. Without, the job's own policy
 * goes on to the builder. A policy beside the Dockerfile (`Dockerfile.rego`) is buildx's own affair: nothing here puts it aside.
 * @throws `materials/policy-not-enforced`, `materials/second-policy`
 */
export async function closeWorld({ allowed }: Pick<CheckedRequest, 'allowed'>, world: ClosingWorld): Promise<Closed> {
  const { second, folder } = world
  const theirs = second === undefined || second === '' ? undefined : second
  if (allowed === undefined) return { env: theirs === undefined ? {} : { [SOURCE_POLICY]: theirs }, facts: {} }
  if (theirs !== undefined)
    throw fail('materials/second-policy', 'The job hands a source policy of its own to the builder', { found: theirs })
  const bytes = sourcePolicy(allowed)
  const path = join(folder, 'source-policy.json')
  await writeFileAtomic(path, bytes)
  const env = { [SOURCE_POLICY]: path }
  await proveEnforced({ ...world, env: { ...world.env, ...env } })
  return { env, facts: { enforcement: { by: 'builder', policy: { bytes, digest: sha256(bytes) } } } }
}

/**
 * Registries for a builder that has to be told where there is no TLS, and that shares the machine's network for those on it: of
 * images whose rule says `private`, and those that are written to. What the Dockerfile chooses alone, a URL with a checksum, must not
 * bring RUN steps into the machine's network.
 */
export function hostsOf({ allowed, images, cacheFrom = [], cacheTo = [] }: CheckedRequest): readonly string[] {
  const read = (allowed?.images ?? []).filter(image => image.private).map(({ reference }) => reference.host)
  const caches = [...cacheFrom, ...cacheTo].flatMap(entry => /(?:^|,)ref=([^,]+)/.exec(entry)?.[1] ?? [])
  const written = [...images, ...caches].map(image => image.split('/', 1)[0] ?? '')
  return [...new Set([...read, ...written])].filter(host => host !== '')
}

interface Observing {
  readonly docker: string
  readonly env: Readonly<Record<string, string>>
  readonly metadata: Uint8Array
  readonly checked: CheckedRequest
}

/**
 * What the builder says went in, compared with what was allowed. An open build that says it unreadably says nothing.
 * @throws `materials/undeclared`, `materials/provenance-malformed`
 */
export async function observe(asked: Observing): Promise<{ readonly observed?: readonly ObservedMaterial[] }> {
  const { allowed } = asked.checked
  try {
    const observed = await observedOf(asked)
    if (observed === undefined) return {}
    if (allowed !== undefined) compareObserved(allowed, observed)
    return { observed }
  } catch (error) {
    if (allowed === undefined && asWaybillError(error).code === 'materials/provenance-malformed') return {}
    throw error
  }
}

/** From the metadata file; buildx 0.29 writes it for one platform only, so for several its history is asked. */
async function observedOf(asked: Observing): Promise<readonly ObservedMaterial[] | undefined> {
  const metadata = parseJsonObject(asked.metadata, 'metadata file of buildx')
  const written = observedInMetadata(metadata)
  const reference = historyReference(metadata)
  if (written !== undefined || reference === undefined) return written
  const found: ObservedMaterial[] = []
  for (const platform of asked.checked.platforms) {
    const predicate = await fromHistory(asked, reference, platform)
    // One platform that says nothing would look as if nothing had gone into it.
    if (predicate === undefined) return undefined
    found.push(...observedInPredicate(predicate))
  }
  return found.length === 0 && asked.checked.platforms.length === 0 ? undefined : eachOnce(found)
}

async function fromHistory(
  { docker, env }: Observing,
  reference: string,
  platform: string,
): Promise<Uint8Array | undefined> {
  const args = ['buildx', 'history', 'inspect', 'attachment', '--type=provenance', `--platform=${platform}`, reference]
  const maxOutputBytes = LIMITS.builderProvenanceBytes
  const result = await run({ file: docker, args, env, timeoutMs: LIMITS.requestMs, maxOutputBytes }).catch(
    () => undefined,
  )
  return result?.code === 0 ? result.stdout : undefined
}
