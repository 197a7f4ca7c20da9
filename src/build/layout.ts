import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { exists } from '../io/files.ts'
import type { Builder, BuildResult, ImageDescriptor, LayoutPort } from './builder.ts'
import { type BuildRequest, checkRepositories } from './request.ts'

/**
 * Pushes one layout to every repository, in turn.
 * @returns the descriptor all of them agree on. @throws `build/digest-mismatch`
 */
export async function pushEverywhere(
  layouts: LayoutPort,
  layout: string,
  repositories: readonly string[],
): Promise<ImageDescriptor> {
  const read = await layouts.read(layout)
  for (const repository of repositories) {
    const pushed = await layouts.push(repository, layout)
    if (pushed.digest !== read.digest)
      throw fail('build/digest-mismatch', `Another image arrived at ${printable(repository)} than the layout holds`, {
        expected: read.digest,
        found: pushed.digest,
      })
  }
  return read
}

/** A prebuilt OCI layout (folder or tar). Waybill did not build it, so nothing is claimed about its source. */
export class LayoutBuilder implements Builder {
  readonly name = 'layout'
  readonly #layout: string
  readonly #layouts: LayoutPort

  /** @param layout absolute path. */
  constructor(layout: string, layouts: LayoutPort) {
    this.#layout = layout
    this.#layouts = layouts
  }

  async build(request: BuildRequest): Promise<BuildResult> {
    checkRepositories(request)
    if (!(await exists(this.#layout)))
      throw fail('build/layout-missing', `There is no OCI layout at ${printable(this.#layout)}`)
    const pushedTo = request.push ? request.images : []
    const image = await pushEverywhere(this.#layouts, this.#layout, pushedTo)
    return {
      ...image,
      builder: 'layout',
      tools: [],
      pushedTo,
      layout: this.#layout,
      notes: ['The image was built elsewhere: nothing says that it came from the commit.'],
    }
  }
}
