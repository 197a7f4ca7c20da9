import { isLoopbackHost } from '../io/http.ts'

/** Registries on this machine have no TLS; Waybill's own client accepts them by the same rule. @param host `host[:port]`. */
export function isOnThisMachine(host: string): boolean {
  const url = `http://${host}/`
  return URL.canParse(url) && isLoopbackHost(new URL(url).hostname)
}
