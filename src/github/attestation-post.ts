import { decodeUtf8 } from '../core/bytes.ts'
import type { Digest } from '../core/digest.ts'
import { fail, type WaybillError } from '../core/error.ts'
import { isObject, type JsonObject, parseJsonObject } from '../core/json.ts'
import type { HttpAnswer, HttpClient } from '../io/http.ts'
import type { GithubApi, Question } from './api.ts'
import { messageOf } from './api-failure.ts'
import { storedAttestations } from './attestation-store.ts'

export interface StoreToFill {
  readonly api: GithubApi
  /** For what the store keeps elsewhere; no token goes there. */
  readonly http: HttpClient
  /** `owner/name` */
  readonly repository: string
}

/**
 * Stores bundles in GitHub's attestation store: `POST /repos/{owner}/{repo}/attestations` (docs.github.com/rest/repos/attestations),
 * one after the other, because GitHub asks for that of whatever writes. What is there already, by its signature, is not stored
 * again; a store that cannot be read completely may get one twice, which changes nothing for who reads it.
 * @returns how many were stored.
 * @throws `github/attestations-unavailable`, `github/attestation-refused`, `github/api-permission`, `github/api-rate-limited` …
 */
export async function storeAttestations(
  { api, http, repository }: StoreToFill,
  subject: Digest,
  bundles: readonly Uint8Array[],
): Promise<number> {
  const { bundles: stored } = await storedAttestations({ api, http, repository, subject })
  const known = new Set(stored.map(({ bytes }) => signatureOf(bytes)).filter(signature => signature !== undefined))
  const missing = bundles.filter(bytes => !known.has(signatureOf(bytes) ?? ''))
  const path = `/repos/${repository.split('/').map(encodeURIComponent).join('/')}/attestations`
  for (const bytes of missing)
    await api.post(path, { bundle: parseJsonObject(bytes, 'bundle') }, asking(repository, bytes))
  return missing.length
}

/** Nobody's signature is made twice, so it names the bundle whatever became of its JSON. Foreign bundles may have none. */
function signatureOf(bundle: Uint8Array): string | undefined {
  try {
    const envelope: JsonObject[string] | undefined = parseJsonObject(bundle, 'bundle').dsseEnvelope
    const signatures = isObject(envelope) && Array.isArray(envelope.signatures) ? envelope.signatures : []
    const [first] = signatures as readonly JsonObject[]
    return isObject(first) && typeof first.sig === 'string' ? first.sig : undefined
  } catch {
    return undefined
  }
}

const LINES = `permissions:
  attestations: write`

function asking(repository: string, bundle: Uint8Array): Question {
  return {
    of: `an attestation for ${repository}`,
    permission: 'attestations: write',
    refused: answer => refusalOf(repository, bundle, answer),
  }
}

function refusalOf(repository: string, bundle: Uint8Array, answer: HttpAnswer): WaybillError | undefined {
  const { status } = answer
  const message = messageOf(answer) || (decodeUtf8(answer.body) === undefined ? 'an unreadable answer' : '')
  const found = `${status}${message === '' ? '' : ` ${message}`}`
  if (status >= 400 && status < 500 && /\bfeature not available\b/i.test(message))
    return fail('github/attestations-unavailable', `GitHub keeps no attestations for ${repository}`, { found })
  if (status === 413 || status === 422)
    return fail('github/attestation-refused', `GitHub did not store an attestation for ${repository}`, {
      expected: 'a bundle that the attestation store takes',
      found: `${found} (${bundle.byteLength} bytes)`,
    })
  if (status === 403 || status === 404)
    return fail('github/api-permission', `The token may not store attestations for ${repository}`, {
      expected: 'attestations: write',
      found,
      remedy: `Add to the job, beside the permissions that it has:\n${LINES}`,
    })
  return undefined
}
