import { fail, type WaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import { readFileBounded } from '../io/files.ts'
import { type ReadDockerfile, readDockerfile } from '../materials/dockerfile/instructions.ts'
import type { Pull, PullOptions } from '../materials/dockerfile/pull.ts'
import { pullsOf } from '../materials/dockerfile/pulls.ts'
import { stagesOf } from '../materials/dockerfile/stages.ts'
import { expandWord } from '../materials/dockerfile/words.ts'
import type { CheckedRequest } from './request.ts'

/** Every transport of containers/image: each reads from somewhere that is no registry. */
const TRANSPORT =
  /^(atomic|containers-storage|dir|docker|docker-archive|docker-daemon|oci|oci-archive|ostree|sif|tarball):/i

/** A Dockerfile as BuildKit reads it, with its text for those who read it otherwise. */
export interface BuildahDockerfile {
  readonly file: ReadDockerfile
  readonly text: string
}

/**
 * Reads the Dockerfile that buildah is given.
 * @throws `build/image-refused` for one that buildah would send through the C preprocessor first, which includes any file of the
 *   machine (`*.in`, run with 1.28); `materials/dockerfile-malformed`
 */
export async function readBuildahDockerfile(path: string): Promise<BuildahDockerfile> {
  if (path.endsWith('.in'))
    throw fail('build/image-refused', 'buildah would send this Dockerfile through the C preprocessor', {
      expected: 'a Dockerfile whose name does not end in .in',
      found: printable(path),
      remedy: 'Commit what the preprocessor makes of it under a name without .in, and set `file` to that.',
    })
  const bytes = await readFileBounded(path, LIMITS.dockerfileBytes)
  return { file: readDockerfile(bytes), text: new TextDecoder().decode(bytes) }
}

/** What the reader must know of a build for one platform. */
export function pullOptions(request: CheckedRequest, targetPlatform: string, buildPlatform: string): PullOptions {
  return {
    buildArgs: new Map(Object.entries(request.buildArgs)),
    contexts: request.allowed?.contexts ?? request.contexts ?? new Map(),
    targetPlatform,
    buildPlatform,
    ...(request.target === undefined ? {} : { target: request.target }),
  }
}

/**
 * Refuses image positions through which buildah would read from the machine, in stages that the target does not need as well:
 * a transport prefix passes its `--pull=never`, and a variable can hold one (13-adversary 18).
 * @throws `build/image-refused` naming the line; `materials/dockerfile-malformed`
 */
export function checkImagePositions(file: ReadDockerfile, options: PullOptions): void {
  const { stages, globals } = stagesOf(file, options)
  for (const { line, written } of stages) {
    const { unset } = expandWord(written, globals, file.mark)
    if (unset.length > 0) throw refused(line, written, 'a name whose variables all have a value', unset.join(', '))
  }
  // A named context stands in for a name to BuildKit, not always to buildah: what it seems to cover is looked at, too.
  const uncovered = pullsOf(file, { ...options, contexts: new Map() })
  for (const { line, written, source } of [...pullsOf(file, options), ...uncovered].filter(isImage))
    if (source === undefined || TRANSPORT.test(source) || /^[/.~]/.test(source))
      throw refused(line, written, 'a stage, scratch, or an image in a registry', source ?? 'a variable')
}

export function isImage({ how }: Pull): boolean {
  return how === 'from' || how === 'copy-from' || how === 'mount-from'
}

function refused(line: number, written: string, expected: string, found: string): WaybillError {
  return fail('build/image-refused', `Line ${line} of the Dockerfile names the image ${printable(written, 120)}`, {
    expected,
    found,
  })
}
