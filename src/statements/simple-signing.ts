import { utf8 } from '../core/bytes.ts'
import type { Digest } from '../core/digest.ts'
import { SIMPLE_SIGNING } from './statement.ts'

/**
 * What cosign ≤ 2 signs of an image, and containers-signature(5) calls simple signing. Equal input gives equal bytes, so that what is
 * signed already can be found.
 * @param repository `host/path`; readers of that format compare it with the name they pulled by.
 */
export function simpleSigningPayload(repository: string, digest: Digest): Uint8Array {
  return utf8(
    JSON.stringify({
      critical: {
        identity: { 'docker-reference': repository },
        image: { 'docker-manifest-digest': digest },
        type: SIMPLE_SIGNING,
      },
      optional: null,
    }),
  )
}
