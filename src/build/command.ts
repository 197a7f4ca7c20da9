import { join } from 'node:path'
import type { Digest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import { childEnvironment } from '../io/environment.ts'
import { exists, fileSize, readFileBounded } from '../io/files.ts'
import { followPath, isBelow, standsAt } from '../io/paths.ts'
import type { Builder, BuildResult, BuildWorld } from './builder.ts'
import { commandProgram } from './command-program.ts'
import { type ImageRef, parseImageRefs } from './image-refs.ts'
import { pushEverywhere } from './layout.ts'
import type { ImagePort } from './registry-images.ts'
import { type BuildRequest, checkRepositories, pathsInTree } from './request.ts'
import { runBuilder } from './tools.ts'

/** What the inputs say of a build by a command. */
export interface CommandOrder {
  /** Program and arguments; there is never a shell. */
  readonly argv: readonly [string, ...string[]]
  /** Path of what it writes, relative to where it runs. */
  readonly writes: { readonly kind: 'image-refs' | 'layout'; readonly path: string }
  /** Set where an identity token could be asked for beside it (13-adversary 16). */
  readonly isolation?: 'none'
  /** Default: `LIMITS.commandMs`. */
  readonly timeoutMs?: number
}

const ELSEWHERE =
  'The image was made by a command of the workflow, which may have read anything: nothing says that it came from the commit.'
const NOT_ISOLATED =
  'The command ran where it could ask for an identity token (command-isolation: none): it could have signed anything in the name of this workflow.'

/**
 * Runs the user's command (ko, apko, jib, bazel, nix, a script) in a fresh export of the verified commit and takes the image that it
 * names in a file, or leaves as an OCI layout. It may read what it likes, so nothing is claimed about the source (13-adversary 15).
 */
export class CommandBuilder implements Builder {
  readonly name = 'command'
  readonly #order: CommandOrder
  readonly #world: BuildWorld
  readonly #images: ImagePort

  constructor(order: CommandOrder, world: BuildWorld, images: ImagePort) {
    this.#order = order
    this.#world = world
    this.#images = images
  }

  /** @throws `build/command-…`, `build/image-refs-…`, `build/failed`, `build/context-missing`, `build/digest-mismatch` */
  async build(request: BuildRequest): Promise<BuildResult> {
    checkRepositories(request)
    const { argv, writes, isolation } = this.#order
    const folder = await folderOf(request)
    const [word, ...args] = argv
    const file = await commandProgram(word, request.commitFolder, folder, this.#world.env.PATH ?? '')
    const path = join(folder, writes.path)
    if (await standsAt(path))
      throw fail('build/command-stale', `${printable(writes.path)} is part of the commit`, {
        expected: 'a path where nothing is before the command begins',
        found: writes.path,
      })
    await this.#run(file, args, folder, request)
    const made = await (writes.kind === 'layout' ? this.#fromLayout(path, request) : this.#fromRefs(path, request))
    return {
      ...made,
      builder: 'command',
      // Not even its name: command lines are recorded nowhere (5-build section 3).
      tools: [],
      ...(isolation === undefined ? {} : { commandIsolation: isolation }),
      ...(writes.kind === 'layout' ? {} : { imageRefs: writes.path }),
      notes: [ELSEWHERE, ...(isolation === undefined ? [] : [NOT_ISOLATED])],
    }
  }

  async #run(file: string, args: readonly string[], cwd: string, request: BuildRequest): Promise<void> {
    const timeoutMs = this.#order.timeoutMs ?? LIMITS.commandMs
    const env = commandEnvironment(this.#world.env, request)
    await runBuilder('the command', { file, args, env, cwd, timeoutMs, endGroup: true }, this.#world.output)
  }

  async #fromLayout(path: string, { images, push }: BuildRequest): Promise<Made> {
    if (!(await exists(path))) throw nothingWritten(this.#order.writes.path, 'an OCI layout, a folder or a tar')
    const pushedTo = push ? images : []
    const image = await pushEverywhere(this.#world.layouts, path, pushedTo)
    return { ...image, pushedTo, layout: path }
  }

  async #fromRefs(path: string, request: BuildRequest): Promise<Made> {
    const { images, push } = request
    if ((await fileSize(path)) === undefined) throw nothingWritten(this.#order.writes.path, 'a file with the image')
    const bytes = await readFileBounded(path, LIMITS.imageRefsBytes).catch((error: unknown) => {
      throw fail('build/image-refs-malformed', 'The file of image-refs cannot be read', {
        expected: `a file of at most ${LIMITS.imageRefsBytes} bytes`,
        found: `${printable(this.#order.writes.path)}, too large or not readable`,
        cause: error,
      })
    })
    const refs = parseImageRefs(bytes)
    for (const { repository } of refs) if (repository !== undefined) checkOwn(repository, images)
    // Nobody pushed it, so no registry can say which of several is the index.
    if (!push) return { digest: refs[0].digest, pushedTo: [] }
    const { home, digest, mediaType } = await this.#chosen(refs, images[0] ?? '')
    const there = refs.flatMap(ref => (ref.digest === digest ? [ref.repository ?? home] : []))
    for (const repository of images) if (!there.includes(repository)) await this.#images.copy(home, repository, digest)
    return { digest, mediaType, pushedTo: images }
  }

  /** The one image of the file: the only digest, or the index that lists all the others. */
  async #chosen(refs: readonly ImageRef[], first: string): Promise<Chosen> {
    const digests = [...new Set(refs.map(({ digest }) => digest))]
    for (const { repository: home = first, digest } of refs) {
      const found = await this.#images.find(home, digest)
      if (found === undefined)
        throw fail('build/image-refs-absent', `${printable(home)} has no image ${digest}`, {
          expected: 'an image that was pushed',
          found: `${home}@${digest}`,
        })
      if (digests.every(other => other === digest || found.children.includes(other)))
        return { home, digest, mediaType: found.mediaType }
    }
    throw fail('build/image-refs-several', 'The command names several images', {
      expected: 'one image, or an index with all the others in it',
      found: digests.join(', '),
    })
  }
}

type Made = Pick<BuildResult, 'digest' | 'mediaType' | 'pushedTo' | 'layout'>

interface Chosen {
  readonly home: string
  readonly digest: Digest
  readonly mediaType: string
}

/**
 * All that the command sees: the allow-list of every child, where the person's own registry logins lie, and what it has to build.
 * The run's own token is never among it, also not as a login: whoever wants the command to push logs in in a step before.
 */
function commandEnvironment(
  env: BuildWorld['env'],
  { images, push, sourceDateEpoch }: Pick<BuildRequest, 'images' | 'push' | 'sourceDateEpoch'>,
): Record<string, string> {
  const { DOCKER_CONFIG, REGISTRY_AUTH_FILE } = env
  const image = images[0] ?? ''
  return childEnvironment(env, {
    ...(DOCKER_CONFIG === undefined ? {} : { DOCKER_CONFIG }),
    ...(REGISTRY_AUTH_FILE === undefined ? {} : { REGISTRY_AUTH_FILE }),
    ...(sourceDateEpoch === undefined ? {} : { SOURCE_DATE_EPOCH: String(sourceDateEpoch) }),
    WAYBILL_IMAGE: image,
    WAYBILL_PUSH: String(push),
    KO_DOCKER_REPO: image,
  })
}

async function folderOf(request: BuildRequest): Promise<string> {
  const { context } = pathsInTree(request)
  const root = await followPath(request.commitFolder)
  const found = await followPath(join(request.commitFolder, context))
  if (root !== undefined && found?.kind === 'folder' && isBelow(root.path, found.path)) return found.path
  throw fail('build/context-missing', `The commit has no folder ${printable(context)}`, { expected: 'a folder' })
}

function checkOwn(repository: string, images: readonly string[]): void {
  if (images.includes(repository)) return
  throw fail('build/image-refs-foreign', `The command names an image in ${printable(repository)}`, {
    expected: images.join(', '),
    found: repository,
  })
}

function nothingWritten(path: string, expected: string): Error {
  return fail('build/command-result-missing', `The command ended well and left no ${printable(path)}`, {
    expected,
    found: 'nothing',
  })
}
