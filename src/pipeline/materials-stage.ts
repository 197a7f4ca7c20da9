import type { AllowedMaterials } from '../build/allowed.ts'
import { pathsInTree } from '../build/request.ts'
import { fail, WaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import { together } from '../core/together.ts'
import { type Outcome, worst } from '../core/verdict.ts'
import { readDockerfile } from '../materials/dockerfile/instructions.ts'
import type { PullOptions } from '../materials/dockerfile/pull.ts'
import { lockFilesIn } from '../materials/lock-files.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import { fileAt, pathsBelow } from './commit-files.ts'
import { lastAttested } from './last-attested.ts'
import { judgeAdds } from './materials-adds.ts'
import {
  bringMaterials,
  bringUnjudged,
  contextFolders,
  contextsOf,
  declaredImages,
  inputContexts,
  placedOf,
  refuseSameContext,
} from './materials-bring.ts'
import type { JudgedImages } from './materials-images-request.ts'
import { type CommitManifest, commitManifest } from './materials-manifest.ts'
import type { FetchedMaterial, JudgedMaterial, MaterialsOutcome } from './materials-outcome.ts'
import { type MaterialsLaw, planMaterials } from './materials-plan.ts'
import { materialReceipt } from './materials-receipt.ts'
import { keepResolved } from './materials-resolved.ts'
import { NOT_VERIFIED, unchecked } from './materials-unchecked.ts'
import { errorOf, type RunRecord } from './run.ts'
import type { SourceOutcome } from './source-stage.ts'
import { outcomeOfError, type StageResult } from './stages.ts'

/** Names looked through for lock files. */
const MAX_PATHS = 200_000

/** Everything that judging needs. */
interface MaterialsCase {
  readonly request: AttestRequest
  readonly ports: AttestPorts
  readonly source: SourceOutcome
  readonly law: MaterialsLaw
  readonly mode: 'enforce' | 'audit'
}

/**
 * Judges what the build would pull in, before anything of it runs: base images, downloads, repositories, the materials of the
 * manifest (4-materials). Dockerfile and manifest are blobs of the verified commit, never files of a work tree.
 * @throws under `enforce` the first reason against it, with its place and what to write where; `policy/no-rule` where rules are
 * insisted on and there are none; `materials/manifest-unusable`, `materials/dockerfile-malformed`, `build/dockerfile-missing`.
 */
export function verifyMaterials(
  request: AttestRequest,
  ports: AttestPorts,
  source: SourceOutcome,
  record: RunRecord,
): Promise<MaterialsOutcome> {
  const wanted = request.materials.mode
  return record.stages.run('materials', wanted === 'auto' ? 'enforce' : wanted, async () => {
    const plan = await planMaterials(request, ports, source, record)
    if (plan.kind === 'judge') return judgeStage({ request, ports, source, ...plan }, record)
    record.notices.push(plan.because)
    record.notChecked.push(NOT_VERIFIED)
    if (plan.kind === 'unknown') return { state: 'unknown', mode: 'audit', value: nothing('audit', 'unknown') }
    const brought = plan.brings ? await bringUnjudged(request, ports, source, record) : {}
    return { state: 'not-asked', mode: plan.mode, value: { ...nothing(plan.mode, 'not-asked'), ...brought } }
  })
}

async function judgeStage(the: MaterialsCase, record: RunRecord): Promise<StageResult<MaterialsOutcome>> {
  const looked = await look(the).catch((error: unknown) => {
    // Under audit a Dockerfile that cannot be read is told like a bad image, and the run goes on.
    if (the.mode === 'audit' && error instanceof WaybillError && error.kind !== 'configuration') return error
    throw error
  })
  if (looked instanceof WaybillError) return unreadable(looked, record)
  const { judged, allowed, manifest, placed, contexts } = looked
  const before = await lastAttested(the.request, the.ports, record)
  const previous: ReadonlyMap<string, string> = before.kind === 'found' ? before.last.materials : new Map()
  const [first, ...more] = judged.map(({ verdict }) => verdict)
  const verdict: Outcome = first === undefined ? 'passed' : worst([first, ...more])
  record.materials = {
    items: judged.map(item => materialReceipt(item, previous, looked.fetched)),
    ...(manifest === undefined ? {} : { manifest: { path: manifest.path, digest: manifest.digest } }),
  }
  record.notChecked.push(...looked.unchecked)
  const resolved = await keepResolved(the, looked, verdict)
  record.materials = { ...record.materials, resolved: { path: resolved.path, digest: resolved.digest } }
  if (the.mode === 'enforce' && verdict !== 'passed') throw firstAgainst(judged)
  const enforced = the.mode === 'enforce' ? { allowed } : {}
  const claim = { mode: the.mode, verdict }
  return { state: verdict, mode: the.mode, value: { claim, judged, placed, contexts, resolved, ...enforced } }
}

/** What was found out about everything that the build would pull in. */
interface Looked extends Pick<MaterialsOutcome, 'judged' | 'contexts' | 'placed'> {
  readonly allowed: AllowedMaterials
  readonly fetched: readonly FetchedMaterial[]
  readonly manifest: CommitManifest | undefined
  readonly dockerfile: { readonly path: string; readonly bytes: Uint8Array }
  readonly unchecked: readonly string[]
}

async function look(the: MaterialsCase): Promise<Looked> {
  const { request, source, law } = the
  const { dockerfile, manifest } = await readCommit(the)
  const items = manifest?.items ?? []
  refuseSameContext(request, items)
  const bringing = bringMaterials(the, manifest)
  bringing.catch(() => {}) // told where it is waited for
  // Only of folders it must be known where they lie before the images are asked about.
  const folders = contextFolders(items) ? await bringing : []
  const [images, fetched, paths] = await together([
    judgeDockerfile(the, dockerfile, manifest, new Map([...contextsOf(items, folders), ...inputContexts(request)])),
    bringing,
    pathsBelow(source.history, source.commit.tree, pathsInTree(request.build).context, MAX_PATHS),
  ])
  const adds = judgeAdds(images.pulls, fetched, law.policy, dockerfile.path)
  const declared = contextsOf(items, fetched, images.images)
  const given = (closed: boolean) => new Map([...declared, ...inputContexts(request, images.images, closed)])
  const { urls, repositories } = adds
  const allowed = {
    images: images.images.flatMap(image => image.allowed ?? []),
    urls,
    repositories,
    contexts: given(true),
  }
  return {
    judged: [...images.images.map(image => image.judged), ...adds.judged],
    allowed: { ...allowed, pulls: images.pulls },
    contexts: given(false),
    placed: placedOf(fetched),
    fetched,
    manifest,
    dockerfile,
    unchecked: unchecked(request.build.network, lockFilesIn(paths)),
  }
}

async function readCommit({ request, source }: MaterialsCase): Promise<Pick<Looked, 'dockerfile' | 'manifest'>> {
  const { history, commit } = source
  const { file } = pathsInTree(request.build)
  await history.fetchTree(commit.id)
  const [bytes, manifest] = await together([
    fileAt(history, commit.tree, file, LIMITS.dockerfileBytes),
    commitManifest(history, commit.tree, request.materials.manifest),
  ])
  if (bytes === undefined) throw noDockerfile(file)
  return { dockerfile: { path: file, bytes }, manifest }
}

/** @throws `materials/dockerfile-malformed` before any registry is asked. */
async function judgeDockerfile(
  { request, ports, law }: MaterialsCase,
  { path, bytes }: Looked['dockerfile'],
  manifest: CommitManifest | undefined,
  contexts: ReadonlyMap<string, string>,
): Promise<JudgedImages> {
  const question = {
    policy: law.policy,
    ...(law.name === undefined ? {} : { policyName: law.name }),
    dockerfile: readDockerfile(bytes),
    path,
    builds: buildsOf(request, ports.materials.machine, contexts),
    ...declaredImages(manifest),
  }
  return ports.materials.images(question, law)
}

/** One a platform, since a Dockerfile may name another image for each. */
function buildsOf(
  { build }: AttestRequest,
  machine: string,
  contexts: ReadonlyMap<string, string>,
): readonly PullOptions[] {
  const platforms = build.platforms.length === 0 ? [machine] : build.platforms
  return platforms.map(targetPlatform => ({
    buildArgs: new Map(Object.entries(build.buildArgs)),
    ...(build.target === undefined ? {} : { target: build.target }),
    contexts,
    buildPlatform: machine,
    targetPlatform,
  }))
}

function unreadable(error: WaybillError, record: RunRecord): StageResult<MaterialsOutcome> {
  const state = outcomeOfError(error)
  record.notices.push(`Materials were not judged: ${error.message} (${error.code})`)
  record.notChecked.push(NOT_VERIFIED)
  record.materials = { items: [] }
  return { state, mode: 'audit', value: nothing('audit', state) }
}

function nothing(
  mode: MaterialsOutcome['claim']['mode'],
  verdict: MaterialsOutcome['claim']['verdict'],
): MaterialsOutcome {
  return { claim: { mode, verdict }, judged: [], placed: new Map(), contexts: new Map() }
}

/** Says where the material is named, so that whoever reads the first line of the log knows where to look. */
function firstAgainst(judged: readonly JudgedMaterial[]): Error {
  for (const outcome of ['rejected', 'unknown'] as const)
    for (const { verdict, findings, places, name } of judged) {
      if (verdict !== outcome) continue
      const finding = findings.find(({ severity }) => outcome === 'unknown' || severity === 'reject') ?? findings[0]
      if (finding === undefined) continue
      const [place] = places
      const told = place === undefined || finding.message.includes(place) ? '' : `${place}: `
      const named = finding.message.includes(name) ? '' : `${printable(name, 300)}: `
      return errorOf({ ...finding, message: `${told}${named}${finding.message}` }, outcome)
    }
  return fail('core/internal', 'A material was refused without a finding')
}

function noDockerfile(file: string): Error {
  return fail('build/dockerfile-missing', `The commit has no file ${printable(file)}`, {
    expected: 'a Dockerfile that is a regular file of the commit, and no link',
  })
}
