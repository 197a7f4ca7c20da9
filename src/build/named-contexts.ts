import { fail } from '../core/error.ts'
import type { BuildRequest } from './request.ts'

/**
 * Flags for the named contexts of a build, also of one that nobody closes: a folder of this run, or an image by its digest;
 * nothing that would be fetched from elsewhere. @throws `build/request-malformed`
 */
export function contextFlags({ allowed, contexts = new Map() }: BuildRequest): readonly string[] {
  return [...(allowed?.contexts ?? contexts)].map(([name, source]) => {
    if (
      !/^[A-Za-z0-9][A-Za-z0-9._/:@+-]*$/.test(name) ||
      !/^(?:\/|docker-image:\/\/[^=]+@sha256:[0-9a-f]{64}$)/.test(source)
    )
      throw fail('build/request-malformed', 'A named context is not acceptable', {
        expected: 'a name, and an image by its digest or an absolute folder',
        found: `${name}=${source}`,
      })
    return `--build-context=${name}=${source}`
  })
}
