import { utf8 } from '../../core/bytes.ts'
import { fail } from '../../core/error.ts'
import { printable } from '../../core/text.ts'
import { SIGSTORE_LIMITS } from '../limits.ts'

export type TufTarget = 'trusted_root.json' | 'signing_config.v0.2.json'

export interface TufOptions {
  /** Where verified metadata is kept between runs. */
  readonly cacheFolder: string
  /** Another mirror with its own root of trust, for tests and mirrors inside a company. */
  readonly mirror?: { readonly url: string; readonly rootFile: string }
  /** Default `SIGSTORE_LIMITS.tufMs`. */
  readonly timeoutMs?: number
}

/**
 * One file of the public instance, verified by TUF from the root that `@sigstore/tuf` ships. The client is heavy
 * (a second HTTP stack), so it is loaded only when asked for.
 * @throws `sigstore/trust-unavailable`: unreachable, expired and forged metadata alike, since all mean "not established".
 */
export async function fetchByTuf(target: TufTarget, options: TufOptions): Promise<Uint8Array> {
  const limit = options.timeoutMs ?? SIGSTORE_LIMITS.tufMs
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no result within ${limit} ms`)), limit)
  })
  try {
    return await Promise.race([download(target, options, limit), late])
  } catch (error) {
    throw fail('sigstore/trust-unavailable', `Cannot fetch ${target} of the public instance through TUF`, {
      found: reasonOf(error),
      cause: error,
    })
  } finally {
    clearTimeout(timer)
  }
}

async function download(target: TufTarget, options: TufOptions, limit: number): Promise<Uint8Array> {
  const { initTUF } = await import('@sigstore/tuf')
  const client = await initTUF({
    cachePath: options.cacheFolder,
    timeout: Math.min(limit, 15_000),
    retry: { retries: 2, minTimeout: 200, maxTimeout: 2_000 },
    ...(options.mirror === undefined ? {} : { mirrorURL: options.mirror.url, rootPath: options.mirror.rootFile }),
  })
  return utf8(await client.getTarget(target))
}

function reasonOf(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : ''
  return printable(error instanceof Error ? `${error.message}${inner}` : String(error), 500)
}
