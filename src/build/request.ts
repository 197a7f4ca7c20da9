import { posix, resolve } from 'node:path'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { followPath, isBelow } from '../io/paths.ts'
import type { Pull } from '../materials/dockerfile/pull.ts'
import { normalPlatform } from '../registry/platform-children.ts'
import type { AllowedMaterials } from './allowed.ts'
import { checkCaches } from './caches.ts'
import { COMMIT_CONTEXT } from './named-contexts.ts'
import { checkRecordedValue } from './recorded-value.ts'
import { type BuildSecret, checkSecrets } from './secrets.ts'
import { type BuildSsh, checkSsh } from './ssh.ts'
import { treePath } from './tree-path.ts'

/** What to build, in the words of the action's inputs. Nothing here is trusted until `checkRequest` has seen it. */
export interface BuildRequest {
  /** Absolute path of the exported tree of the verified commit. */
  readonly commitFolder: string
  /** Folder inside the tree, relative to its root; `.` is the root. */
  readonly context: string
  /** Dockerfile, relative to the root of the tree; default `Dockerfile` of the context. */
  readonly file?: string
  readonly target?: string
  /** `os/arch[/variant]`; empty: the machine's own. */
  readonly platforms: readonly string[]
  readonly buildArgs: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly network: 'default' | 'none'
  /** Repositories as `host/path` in canonical form; at least one when `push`. */
  readonly images: readonly string[]
  readonly push: boolean
  /** Have the builder list what is in the image, where it can: its generator is an image that is pulled for it. */
  readonly sbom?: boolean
  /** Seconds since the epoch, the commit's time: all times inside the image become this one. */
  readonly sourceDateEpoch?: number
  readonly timeoutMs?: number
  /** Nothing else may enter; absent: nobody closed the build. */
  readonly allowed?: AllowedMaterials
  /** Named contexts: name → `docker-image://…`, `commit:<folder>` or an absolute folder of this run; `allowed` has the same. */
  readonly contexts?: ReadonlyMap<string, string>
  /** Files for `RUN --mount=type=secret`; they exist as long as the build runs. */
  readonly secrets?: readonly BuildSecret[]
  readonly ssh?: readonly BuildSsh[]
  /** Caches as `caches.ts` spells them. */
  readonly cacheFrom?: readonly string[]
  readonly cacheTo?: readonly string[]
  /** Take no layer from the builder's own cache. */
  readonly noCache?: boolean
  /** `false`: neither provenance nor a list of what is inside by the builder; default: as the builder makes them. */
  readonly attestations?: boolean
  /** Write an OCI layout and push nothing, though `push` is on: for a build that is only compared with the first. */
  readonly outputLayout?: boolean
}

/** A request whose every value was checked; `contextPath` and `filePath` are absolute, real and inside the tree. */
export interface CheckedRequest extends BuildRequest {
  readonly contextPath: string
  readonly filePath: string
}

const EPOCH = 'SOURCE_DATE_EPOCH'
const PLATFORM = /^[a-z0-9]{1,32}\/[a-z0-9_]{1,32}(\/[a-z0-9.]{1,16})?$/
const ARGUMENT_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/
const STAGE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
const LABEL_KEY = /^[A-Za-z0-9]([A-Za-z0-9._/-]{0,253}[A-Za-z0-9])?$/
const REPOSITORY =
  /^(\[[0-9a-f:]+\]|[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?)(:[0-9]{1,5})?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)+$/

/**
 * The one door into every builder that runs a Dockerfile.
 * @param secrets values this run knows to be secret; none of them may stand in a build argument, label or annotation.
 * @throws `build/request-malformed`, `build/argument-secret`, `build/path-escapes`, `build/context-missing`,
 *   `build/dockerfile-missing`, `build/secret-…`, `build/ssh-malformed`, `build/cache-…`
 */
export async function checkRequest(request: BuildRequest, secrets: readonly string[]): Promise<CheckedRequest> {
  checkValues(request, secrets)
  return { ...request, ...(await resolvePaths(request)), ...(await resolveContexts(request)) }
}

/** True where the image goes to registries; a request for a layout never does. */
export function pushes({ push, outputLayout }: Pick<BuildRequest, 'push' | 'outputLayout'>): boolean {
  return push && outputLayout !== true
}

/** All checks that need no disk. */
export function checkValues(request: Omit<BuildRequest, 'commitFolder'>, secrets: readonly string[]): void {
  const { target, platforms } = request
  if (target !== undefined) check(target, STAGE_NAME, 'target', 'the name of a stage')
  for (const platform of platforms)
    check(platform, PLATFORM, 'platform', 'os/arch or os/arch/variant, e.g. linux/arm64')
  // `linux/arm64` and `linux/arm64/v8` are one platform: of an index with both nobody knows which one is taken.
  unique(platforms, 'platform', normalPlatform)
  checkRepositories(request)
  checkPairs(request.buildArgs, 'build argument', ARGUMENT_NAME, 'a name of letters, digits and _', secrets)
  checkPairs(request.labels, 'label', LABEL_KEY, 'a key of letters, digits and . _ - /', secrets)
  checkPairs(request.annotations, 'annotation', LABEL_KEY, 'a key of letters, digits and . _ - /', secrets)
  // buildx takes a build argument before the variable: times in the image would not be the ones that are stated of it.
  if (Object.hasOwn(request.buildArgs, EPOCH))
    throw malformed('build argument', EPOCH, 'none of this name: the build gets the time of the commit by it')
  checkSecrets(request.secrets ?? [])
  checkSsh(request.ssh ?? [])
  checkCaches(request.cacheFrom ?? [], 'from', secrets)
  checkCaches(request.cacheTo ?? [], 'to', secrets)
  const epoch = request.sourceDateEpoch
  if (epoch !== undefined && (!Number.isSafeInteger(epoch) || epoch < 0))
    throw malformed(EPOCH, String(epoch), 'whole seconds since the epoch')
}

/** @throws `build/request-malformed` for a repository that is not canonical, twice, or missing though `push` is on. */
export function checkRepositories(request: Pick<BuildRequest, 'images' | 'push'>): void {
  for (const image of request.images) check(image, REPOSITORY, 'repository', 'host/path in lower case, without tag')
  unique(request.images, 'repository')
  if (request.push && request.images.length === 0) throw malformed('repository', '', 'at least one, because push is on')
}

function checkPairs(
  pairs: Readonly<Record<string, string>>,
  what: string,
  key: RegExp,
  expected: string,
  secrets: readonly string[],
): void {
  for (const [name, value] of Object.entries(pairs)) {
    check(name, key, what, expected)
    checkRecordedValue(what, name, value, secrets)
  }
}

function check(value: string, grammar: RegExp, what: string, expected: string): void {
  if (!grammar.test(value)) throw malformed(what, value, expected)
}

function unique(values: readonly string[], what: string, meaning = (value: string) => value): void {
  const meant = values.map(meaning)
  const twice = values.find((_, at) => meant.indexOf(meant[at] ?? '') !== at)
  if (twice !== undefined) throw malformed(what, twice, 'each one once, however it is spelled')
}

function malformed(what: string, value: string, expected: string): Error {
  return fail('build/request-malformed', `The ${what} ${printable(JSON.stringify(value), 120)} is not acceptable`, {
    expected,
    found: value,
  })
}

async function resolvePaths(request: BuildRequest): Promise<{ contextPath: string; filePath: string }> {
  const root = await followPath(request.commitFolder)
  if (root === undefined) throw fail('build/context-missing', 'The exported tree of the commit is gone')
  const { context, file } = pathsInTree(request)
  const contextPath = await followInside(root.path, context, 'context')
  if (contextPath?.kind !== 'folder')
    throw fail('build/context-missing', `The commit has no folder ${printable(context)}`, { expected: 'a folder' })
  const filePath = await followInside(root.path, file, 'file')
  if (filePath?.kind !== 'file') throw await dockerfileMissing(root.path, file)
  return { contextPath: contextPath.path, filePath: filePath.path }
}

/** A folder of the commit becomes the place where it was written. */
async function resolveContexts({
  commitFolder,
  contexts,
  allowed,
}: BuildRequest): Promise<Pick<BuildRequest, 'contexts' | 'allowed'>> {
  const places = new Map<string, string>()
  for (const [name, source] of [...(contexts ?? []), ...(allowed?.contexts ?? [])]) {
    if (!source.startsWith(COMMIT_CONTEXT) || places.has(source)) continue
    const root = (await followPath(commitFolder))?.path ?? commitFolder
    const folder = await followInside(root, source.slice(COMMIT_CONTEXT.length), 'build-contexts')
    if (folder?.kind !== 'folder')
      throw fail('build/context-missing', `The commit has no folder for the build context ${printable(name)}`, {
        expected: 'a folder',
        found: source.slice(COMMIT_CONTEXT.length),
      })
    places.set(source, folder.path)
  }
  if (places.size === 0) return {}
  const placed = (all: ReadonlyMap<string, string>) =>
    new Map([...all].map(([name, source]) => [name, places.get(source) ?? source] as const))
  const pulls = (all: readonly Pull[]) =>
    all.map(pull => {
      const place = places.get(pull.source ?? '')
      return place === undefined ? pull : { ...pull, source: place }
    })
  return {
    ...(contexts === undefined ? {} : { contexts: placed(contexts) }),
    ...(allowed === undefined
      ? {}
      : { allowed: { ...allowed, contexts: placed(allowed.contexts), pulls: pulls(allowed.pulls) } }),
  }
}

/** Context and Dockerfile, relative to the root of the tree. @throws `build/path-escapes` */
export function pathsInTree(request: Pick<BuildRequest, 'context' | 'file'>): { context: string; file: string } {
  const context = insideTree(request.context, 'context')
  return { context, file: insideTree(request.file ?? posix.join(context, 'Dockerfile'), 'file') }
}

/** The builder reads what begins with a dash as an option. */
function insideTree(path: string, input: string): string {
  const clean = treePath(path)
  if (clean === undefined || path.startsWith('-'))
    throw fail('build/path-escapes', `The input ${input} is no path inside the repository`, {
      expected: 'a relative path without ..',
      found: path,
    })
  return clean
}

async function followInside(root: string, path: string, input: string): ReturnType<typeof followPath> {
  const found = await followPath(resolve(root, path))
  if (found === undefined) return undefined
  // A symbolic link in the commit may point at the workspace or at the machine's own files.
  if (!isBelow(root, found.path))
    throw fail('build/path-escapes', `The input ${input} leads out of the commit through a symbolic link`, {
      expected: 'a path inside the commit',
      found: path,
    })
  return found
}

async function dockerfileMissing(root: string, file: string): Promise<Error> {
  const containerfile = posix.join(posix.dirname(file), 'Containerfile')
  const other = await followPath(resolve(root, containerfile))
  return fail('build/dockerfile-missing', `The commit has no file ${printable(file)}`, {
    expected: 'a Dockerfile',
    ...(other?.kind === 'file' ? { remedy: `Set \`file: ${printable(containerfile)}\`, which the commit has.` } : {}),
  })
}
