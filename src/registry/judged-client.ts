import { type AddressPolicy, addressGuard, type Resolver } from '../io/address.ts'
import { RegistryClient } from './client.ts'
import { exactHostOnly } from './credentials.ts'
import type { TransportOptions } from './transport.ts'

/**
 * The client for references that come from judged content (13-adversary 39): a manifest, a compose file, a Dockerfile, a
 * policy under judgement, a served document. It connects to public addresses only, pinned, for registries, redirects and
 * token servers alike, and logs in only where an entry names exactly the host. References that the caller typed use an
 * ordinary `RegistryClient`; both may share one `HttpClient`.
 *
 * That the host matches a rule is checked before, by the caller: a reference without a rule gets no connection at all.
 */
export function judgedClient(
  options: Omit<TransportOptions, 'guard'>,
  policy: Omit<AddressPolicy, 'pin'>,
  resolve?: Resolver,
): RegistryClient {
  const guard = addressGuard({ ...policy, pin: true }, resolve)
  return new RegistryClient({ ...options, credentials: exactHostOnly(options.credentials), guard })
}
