import type { BuildResult, RebuiltPlatform } from '../build/builder.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { together } from '../core/together.ts'
import { findingOf, type Outcome, worst } from '../core/verdict.ts'
import { blobPieces } from '../registry/blob-pieces.ts'
import { inspectImage } from '../registry/image.ts'
import { chooseManifest, readLayout } from '../registry/layout.ts'
import { LayoutReader } from '../registry/layout-reader.ts'
import { worstDifference } from '../report/reproducible.ts'
import { type BuiltImage, compareBuilds } from '../reproducible/compare.ts'
import { type ComparedPlatform, isReproduced } from '../reproducible/difference.ts'
import {
  COMPARISON_NAME,
  type Comparison,
  comparisonDocument,
  reproducibleStatement,
} from '../statements/comparison.ts'
import { parseStatement } from '../statements/parse.ts'
import { isRecorded } from '../statements/provenance.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import { type Built, exportVerified, wantedBuild } from './build-stage.ts'
import type { ServedImage } from './digest-stage.ts'
import { placeInto } from './materials-built.ts'
import type { MaterialsOutcome } from './materials-outcome.ts'
import type { EarlierBundles } from './resume.ts'
import type { RunRecord } from './run.ts'
import { statedSubjects } from './sign-stage.ts'
import type { SourceOutcome } from './source-stage.ts'

export interface AgainInput {
  readonly source: SourceOutcome
  readonly materials: MaterialsOutcome
  readonly built: Built
  /** As the registry serves it; absent when nothing was pushed, then the first build's layout is compared. */
  readonly image: ServedImage | undefined
  readonly earlier: EarlierBundles
}

/**
 * Builds the same request again from another export of the verified commit, without cache and without the builder's own attestations,
 * and compares (5-build § 4). It decides about one claim: a build that does not reproduce is told and stops nothing, as under audit,
 * and a gate that asks for `reproducible` refuses the image.
 * @returns what the claim rests on, only where both builds gave the same bytes and the image is one that others can pull.
 */
export async function buildAgain(
  request: AttestRequest,
  ports: AttestPorts,
  input: AgainInput,
  record: RunRecord,
): Promise<Comparison | undefined> {
  if (request.reproducible !== true || isRecorded(input.built.result.builder)) return undefined
  return record.stages.run('reproducible', 'audit', async () => {
    const state = await compared(request, ports, input, record)
    if (state !== 'passed' || input.image === undefined) return { state, value: undefined }
    const comparison = documentOf(input, input.image)
    await ports.keep(COMPARISON_NAME, comparison.bytes)
    return { state, value: comparison }
  })
}

async function compared(
  request: AttestRequest,
  ports: AttestPorts,
  input: AgainInput,
  record: RunRecord,
): Promise<Outcome> {
  const { rebuilt } = input.built.result
  if (request.planned !== undefined && request.sign) return saidByOthers(rebuilt ?? [], input, record)
  if (await claimedEarlier(request, input)) {
    record.reproducible = { state: 'passed', platforms: platformsOf(input.image), earlier: true, findings: [] }
    return 'passed'
  }
  try {
    const platforms = await secondBuild(request, ports, input)
    const state = isReproduced(platforms) ? 'passed' : 'rejected'
    record.reproducible = { state, platforms, findings: state === 'passed' ? [] : [notReproduced(input, platforms)] }
    return state
  } catch (error) {
    const { code, message } = asWaybillError(error)
    const failed = notCompared(`${message} (${code})`, error)
    record.reproducible = { state: 'unknown', platforms: [], findings: [findingOf(failed, input.built.result.digest)] }
    record.notChecked.push('Whether the image can be built again: the second build could not be made or compared.')
    return 'unknown'
  }
}

/** The parts were built by other jobs, each of them twice: it is as reproducible as the worst of them (5-build § 5). */
function saidByOthers(rebuilt: readonly RebuiltPlatform[], { built }: AgainInput, record: RunRecord): Outcome {
  const { digest } = built.result
  const findings = rebuilt.flatMap(({ platform, state, why }) => {
    if (state === 'passed') return []
    if (state === 'unknown') return [findingOf(notCompared(why ?? platform), digest)]
    const message = `The job that built ${platform} says that its second build gave another image`
    return [findingOf(fail('build/not-reproducible', message), digest)]
  })
  if (rebuilt.length === 0) findings.push(findingOf(notCompared('no job says that it built twice'), digest))
  const [first, ...more] = rebuilt.map(one => one.state)
  const state = first === undefined ? 'unknown' : worst([first, ...more])
  const platforms = rebuilt.map(({ platform, state, manifest }) => ({
    platform,
    first: manifest,
    ...(state === 'passed' ? { second: manifest } : {}),
    differences: [],
  }))
  record.reproducible = { state, platforms, findings }
  record.notices.push(
    'Whether the parts can be built again is what the jobs say that built them; this one compared nothing.',
  )
  return state
}

/** An attempt that built twice and was cut after it signed: its claim is the very one that would be made now. */
async function claimedEarlier(request: AttestRequest, { image, earlier, ...input }: AgainInput): Promise<boolean> {
  if (image === undefined || !request.sign) return false
  const statement = reproducibleStatement(statedSubjects(image), documentOf(input, image))
  return (await earlier.find(parseStatement(statement))) !== undefined
}

function documentOf({ source, built }: Pick<AgainInput, 'source' | 'built'>, image: ServedImage): Comparison {
  const { id, committer } = source.commit
  return comparisonDocument({
    commit: id,
    sourceDateEpoch: committer.time,
    builder: built.result.builder,
    platforms: image.platforms.map(({ platform, digest }) => ({ platform, digest })),
  })
}

async function secondBuild(
  request: AttestRequest,
  ports: AttestPorts,
  { source, materials, built, image }: AgainInput,
): Promise<readonly ComparedPlatform[]> {
  const [exported, builder] = await together([
    exportVerified(request, ports, { source, materials }, 'context-again'),
    ports.secondBuilder(),
  ] as const)
  await placeInto(exported, request, ports, materials)
  const { cacheFrom: _read, cacheTo, sbom: _list, ...wanted } = wantedBuild(request, { source, materials })
  // An inline cache is written into the configuration of the image; no other leaves anything in it.
  const inline = (cacheTo ?? []).filter(entry => /^type=inline(?:,|$)/.test(entry))
  const result = await builder.build({
    ...wanted,
    commitFolder: exported.folder,
    ...(inline.length === 0 ? {} : { cacheTo: inline }),
    noCache: true,
    attestations: false,
    outputLayout: true,
  })
  return compareBuilds(await firstImage(request, ports, { built, image }), await layoutImage(request, result))
}

async function firstImage(
  request: AttestRequest,
  ports: AttestPorts,
  { built, image }: Pick<AgainInput, 'built' | 'image'>,
): Promise<BuiltImage> {
  if (image === undefined) return layoutImage(request, built.result)
  const [repository] = image.repositories
  return { image, reader: ports.registry, repository, layer: blob => blobPieces(ports.registry, repository, blob) }
}

async function layoutImage(
  { repositories }: AttestRequest,
  { layout: path, digest }: BuildResult,
): Promise<BuiltImage> {
  if (path === undefined) throw fail('core/internal', 'A build that was to be compared left no layout')
  const layout = await readLayout(path)
  const [repository] = repositories
  const reader = new LayoutReader(layout)
  const found = chooseManifest(layout)
  if (found.digest !== digest)
    throw fail('build/digest-mismatch', 'The layout holds another image than the builder says', {
      expected: digest,
      found: found.digest,
    })
  const image = await inspectImage(reader, repository, found.digest)
  return { image, reader, repository, layer: blob => layout.open(blob.digest, blob.size)() }
}

function notCompared(found: string, cause?: unknown) {
  return fail('build/second-build-failed', 'The second build could not be made or compared', {
    found,
    ...(cause === undefined ? {} : { cause }),
  })
}

function notReproduced({ built }: AgainInput, platforms: readonly ComparedPlatform[]) {
  const { platform, message, first, second } = worstDifference(platforms)
  const error = fail('build/not-reproducible', `The second build for ${platform} gave another image: ${message}`, {
    expected: first,
    found: second,
  })
  return findingOf(error, built.result.digest)
}

function platformsOf(image: ServedImage | undefined): readonly ComparedPlatform[] {
  return (image?.platforms ?? []).map(({ platform, digest }) => ({
    platform,
    first: digest,
    second: digest,
    differences: [],
  }))
}
