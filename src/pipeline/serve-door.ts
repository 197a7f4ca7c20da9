import { LIMITS } from '../core/limits.ts'
import type { ServedAnswer, ServedRequest } from '../io/http-server.ts'
import { DOCUMENT_PATH } from '../subjects/url.ts'
import type { ServedNamespace } from './serve.ts'

/** Media type of a Sigstore bundle. */
const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json'

const PLAIN = { 'content-type': 'text/plain; charset=utf-8' }

/**
 * Answers one request: the document under its own path, and two questions of whoever keeps the process running. Nothing of a
 * request is repeated in an answer, and no answer says why something failed.
 */
export async function answerRequest(
  { method, path, host }: ServedRequest,
  served: ServedNamespace,
  stopping: () => boolean,
): Promise<ServedAnswer> {
  if (method !== 'GET' && method !== 'HEAD')
    return { status: 405, headers: { ...PLAIN, allow: 'GET, HEAD' }, body: 'GET or HEAD\n' }
  if (path === '/healthz') return { status: 200, headers: PLAIN, body: 'ok\n' }
  if (path === '/readyz') return readiness(!stopping() && (await served.isReady()))
  if (path !== DOCUMENT_PATH) return { status: 404, headers: PLAIN, body: 'not found\n' }
  const audience = hostOf(host)
  // A document for whatever name somebody sends would be one for any host that he has (13-adversary 32).
  if (audience === undefined || !served.answersFor(audience))
    return { status: 421, headers: PLAIN, body: 'not a host that this answers for\n' }
  const told = await served.document(audience)
  if (told.kind === 'document')
    return { status: 200, headers: { 'content-type': BUNDLE, 'cache-control': 'no-store' }, body: told.bundle }
  if (told.kind === 'nothing') return { status: 404, headers: PLAIN, body: 'not found\n' }
  return readiness(false)
}

function readiness(ready: boolean): ServedAnswer {
  if (ready) return { status: 200, headers: PLAIN, body: 'ready\n' }
  const headers = { ...PLAIN, 'retry-after': String(LIMITS.serveFailedMs / 1_000) }
  return { status: 503, headers, body: 'not available\n' }
}

/** One spelling of the Host header: lower case, without a dot at its end and the port of https. RFC 9110 § 7.2 */
function hostOf(header: string | undefined): string | undefined {
  return header
    ?.toLowerCase()
    .replace(/:443$/, '')
    .replace(/\.(?=:|$)/, '')
}
