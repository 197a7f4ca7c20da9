import { EMPTY_CONFIG_BYTES } from '../registry/bundles.ts'
import type { Repository } from '../registry/reference.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import type { Built } from './build-stage.ts'

/** Bundles and the list of what is attached travel at the same time. */
const UPLOADS_AT_ONCE = 4

/**
 * Begins what signing and publishing need whatever the image is: the certificate, the trust root for
 * reading back, the blob that every bundle shares, connections. Only for a run whose source passed and whose image was pushed, because a certificate is public for ever
 * (13-adversary 23). What fails here is asked again, and told, by the stage that needs it.
 */
export function beginSigning(request: AttestRequest, ports: AttestPorts, { result }: Built): void {
  if (!request.sign || result.pushedTo.length === 0) return
  const begun = [
    ports.session().then(session => session.certificate()),
    ports.verifier(),
    ...request.repositories.map(repository => beginUploads(ports, repository)),
  ]
  for (const work of begun) work.catch(() => {})
}

async function beginUploads({ registry }: AttestPorts, repository: Repository): Promise<void> {
  registry.warm(repository, UPLOADS_AT_ONCE)
  await registry.putBlob(repository, EMPTY_CONFIG_BYTES, { unlessPresent: true })
}
