import type { ModelRepository } from './github-model.ts'
import { error } from './github-rest.ts'
import type { ServiceAnswer } from './service.ts'

/** What the statement of an envelope is about. */
interface Stated {
  readonly subject: readonly { readonly digest: { readonly sha256?: string } }[]
}

/**
 * Takes what is posted to the attestation store: kept under each SHA-256 digest of the statement's subjects, as it is found by.
 * Does not check: the signature, and whether the certificate is for this repository.
 */
export function storeAttestation(repository: ModelRepository, body: Buffer): ServiceAnswer {
  const { refuses } = repository
  if (refuses !== undefined) return error(refuses.status, refuses.message)
  const { bundle } = JSON.parse(body.toString()) as { bundle: { dsseEnvelope?: { payload: string } } }
  const payload = bundle.dsseEnvelope?.payload
  if (payload === undefined) return error(422, 'Invalid request.')
  const { subject } = JSON.parse(Buffer.from(payload, 'base64').toString()) as Stated
  const digests = subject.flatMap(({ digest }) => (digest.sha256 === undefined ? [] : [`sha256:${digest.sha256}`]))
  if (digests.length === 0) return error(422, 'Invalid request.')
  for (const digest of new Set(digests)) {
    const before = repository.attestations.get(digest) ?? []
    repository.attestations.set(digest, [...before, { bundle }])
  }
  return { status: 201, body: { id: [...repository.attestations.values()].flat().length } }
}
