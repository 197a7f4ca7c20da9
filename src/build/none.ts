import type { Digest } from '../core/digest.ts'
import type { Builder, BuildResult } from './builder.ts'
import { type BuildRequest, checkRepositories } from './request.ts'

/** An image that is in the registry already. The pipeline reads it there by digest; nothing is claimed about its source. */
export class NoneBuilder implements Builder {
  readonly name = 'none'
  readonly #digest: Digest

  constructor(digest: Digest) {
    this.#digest = digest
  }

  async build(request: BuildRequest): Promise<BuildResult> {
    checkRepositories(request)
    return {
      digest: this.#digest,
      builder: 'none',
      tools: [],
      pushedTo: request.images,
      notes: ['The image was built elsewhere: nothing says that it came from the commit.'],
    }
  }
}
