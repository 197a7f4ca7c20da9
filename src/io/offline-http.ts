import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { type HttpAnswer, HttpClient, type HttpRequest, type HttpStream } from './http.ts'

/** For a run that uses no network: whatever is asked is refused before any connection is opened or any name resolved. */
export class OfflineHttpClient extends HttpClient {
  /** @throws `core/offline` always */
  override send(request: HttpRequest): Promise<HttpAnswer> {
    return Promise.reject(offline(request.url))
  }

  /** @throws `core/offline` always */
  override stream(request: HttpRequest): Promise<HttpStream> {
    return Promise.reject(offline(request.url))
  }

  override warm(): void {}
}

function offline(url: string): Error {
  const host = URL.canParse(url) ? new URL(url).host : url
  return fail('core/offline', `${printable(host, 200)} would have to be asked`, { found: '--offline' })
}
