import { utf8 } from '../../core/bytes.ts'
import { fail, WaybillError } from '../../core/error.ts'
import { printable } from '../../core/text.ts'
import { letFetchUseProxies } from '../../io/proxied-fetch.ts'
import { SIGSTORE_LIMITS } from '../limits.ts'
import { GITHUB_ROOT, pinnedRootFile } from './pinned-root.ts'

export type TufTarget = 'trusted_root.json' | 'signing_config.v0.2.json'

/** Instances whose TUF repository is known by its root: Sigstore's public one, and GitHub's own for private repositories. */
export type TufInstance = 'public-good' | 'github'

export interface TufOptions {
  /** Where verified metadata is kept between runs. It spares requests and is never an answer by itself. */
  readonly cacheFolder: string
  /** Default `public-good`. */
  readonly instance?: TufInstance
  /** Another mirror with its own root of trust, for tests and mirrors inside a company. */
  readonly mirror?: { readonly url: string; readonly rootFile: string }
  /** Default `SIGSTORE_LIMITS.tufMs`. */
  readonly timeoutMs?: number
}

/**
 * One file of an instance, verified by TUF from a root that is known here. The client is heavy (a second HTTP stack), so it is
 * loaded only when asked for. Its requests are serial, each bounded in bytes (what the signed metadata says, else the
 * client's own bounds) and in time.
 *
 * A server that does not answer means unknown even where metadata that has not expired lies in the cache: whoever holds back
 * the newest metadata could keep a revoked service alive. Without a network the caller gives a trust root file.
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
    if (error instanceof WaybillError && error.code === 'sigstore/trust-unavailable') throw error
    throw fail('sigstore/trust-unavailable', `Cannot fetch ${target} of ${nameOf(options)} through TUF`, {
      found: reasonOf(error),
      cause: error,
    })
  } finally {
    clearTimeout(timer)
  }
}

function nameOf({ instance, mirror }: TufOptions): string {
  if (mirror !== undefined) return `the mirror ${printable(mirror.url, 200)}`
  return instance === 'github' ? 'GitHub’s instance' : 'the public instance'
}

async function download(target: TufTarget, options: TufOptions, limit: number): Promise<Uint8Array> {
  const client = await clientOf(options, limit)
  return utf8(await client.getTarget(target))
}

type TufClient = Awaited<ReturnType<typeof import('@sigstore/tuf').initTUF>>

/** Exchanges under way. */
const underWay = new Map<string, Promise<TufClient>>()

/**
 * Files that are asked for at the same time come from one exchange: two clients would ask twice and write over each other's
 * half of the cache. What is asked for later is asked for anew, since somebody may have published in between.
 */
function clientOf(options: TufOptions, limit: number): Promise<TufClient> {
  const { cacheFolder, instance, mirror } = options
  const name = JSON.stringify([
    cacheFolder,
    instance === 'github' ? instance : '',
    mirror?.url,
    mirror?.rootFile,
    limit,
  ])
  const running = underWay.get(name) ?? exchange(options, limit).finally(() => underWay.delete(name))
  underWay.set(name, running)
  return running
}

async function exchange(options: TufOptions, limit: number): Promise<TufClient> {
  letFetchUseProxies()
  const [{ initTUF }, begin] = await Promise.all([import('@sigstore/tuf'), beginning(options, limit)])
  const request = {
    cachePath: options.cacheFolder,
    timeout: Math.min(limit, SIGSTORE_LIMITS.tufRequestMs),
    retry: { retries: 2, minTimeout: 200, maxTimeout: 2_000 },
    ...begin,
  }
  return initTUF(request).catch(error => {
    // A run that was killed while it wrote its cache leaves half a root there; the known one takes its place.
    if (!(error instanceof Error && error.name === 'SyntaxError')) throw error
    return initTUF({ ...request, forceInit: true })
  })
}

/** Which repository, and the root that is believed before anything is asked. */
async function beginning(
  { instance, mirror, cacheFolder }: TufOptions,
  limit: number,
): Promise<{ readonly mirrorURL?: string; readonly rootPath?: string }> {
  if (mirror !== undefined) return { mirrorURL: mirror.url, rootPath: mirror.rootFile }
  if (instance !== 'github') return {}
  const timeoutMs = Math.min(limit, SIGSTORE_LIMITS.tufRequestMs)
  return { mirrorURL: GITHUB_ROOT.url, rootPath: await pinnedRootFile(GITHUB_ROOT, cacheFolder, timeoutMs) }
}

function reasonOf(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : ''
  return printable(error instanceof Error ? `${error.message}${inner}` : String(error), 500)
}
