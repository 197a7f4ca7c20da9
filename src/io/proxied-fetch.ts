import * as http from 'node:http'

let done = false

/**
 * Sends what libraries ask for with the global `fetch` through the proxies of the environment (`HTTPS_PROXY`, `HTTP_PROXY`,
 * `NO_PROXY`), as `HttpClient` does; Node does so by itself only where `NODE_USE_ENV_PROXY` was set before it began. Once in a
 * process; without such variables nothing changes. Node before 24.14 cannot, and goes without a proxy.
 */
export function letFetchUseProxies(): void {
  if (done || !Object.keys(process.env).some(name => /^https?_proxy$/i.test(name))) return
  done = true
  if ('setGlobalProxyFromEnv' in http) http.setGlobalProxyFromEnv()
}
