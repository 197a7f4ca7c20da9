import { EMPTY_CONFIG_BYTES } from '../registry/bundles.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import type { Built } from './build-stage.ts'
import type { EarlierBundles } from './resume.ts'

/**
 * Begins what signing and publishing need whatever the image is: the certificate, and the blob that every
 * bundle shares. Only for a run whose source passed and whose image was pushed, because a certificate is public for ever
 * (13-adversary 23), and not where an earlier attempt may have signed everything. What fails here is asked again, and told, by the stage that needs it.
 */
export function beginSigning(
  request: AttestRequest,
  ports: AttestPorts,
  { result }: Built,
  earlier: EarlierBundles,
): void {
  if (!request.sign || result.pushedTo.length === 0) return
  const begun = [
    ...(request.keyed === undefined ? [beginCertificate(ports, earlier)] : []),
    ...request.repositories.map(repository =>
      ports.registry.putBlob(repository, EMPTY_CONFIG_BYTES, { unlessPresent: true }),
    ),
  ]
  for (const work of begun) work.catch(() => {})
}

async function beginCertificate(ports: AttestPorts, { first }: EarlierBundles): Promise<void> {
  if (await first) await ports.session().then(session => session.certificate())
}
