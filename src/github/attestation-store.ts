import { utf8 } from '../core/bytes.ts'
import { type Digest, sha256 } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { isObject, type Json, type JsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { inParallel } from '../core/parallel.ts'
import { objectAt, stringAt } from '../core/shape.ts'
import { type Finding, findingOf } from '../core/verdict.ts'
import { type AddressGuard, addressGuard } from '../io/address.ts'
import { type HttpClient, isLoopbackHost } from '../io/http.ts'
import { withRetry } from '../io/retry.ts'
import { type GithubApi, type Question, shaped } from './api.ts'
import { decodeSnappy } from './snappy.ts'

/** Bundles that GitHub keeps beside a repository: unverified bytes, and the platform's word is no evidence of anything. */
export interface StoredBundles {
  readonly bundles: readonly StoredBundle[]
  /** False when something was cut, unreadable or not shown: then nothing may rest on an absence (13-adversary 26). */
  readonly complete: boolean
  readonly skipped: readonly Finding[]
}

export interface StoredBundle {
  readonly bytes: Uint8Array
  /** Digest of these very bytes; the store has no manifests. */
  readonly manifest: Digest
}

export interface StoreQuestion {
  readonly api: GithubApi
  /** For bundles that the store keeps elsewhere; no token goes there. */
  readonly http: HttpClient
  /** `owner/name`, as the expected signer's certificate names the repository that ran the build. */
  readonly repository: string
  /** Of an image or a file. */
  readonly subject: Digest
  /** What the subject's evidence may take altogether (13-adversary 43). @returns false when it is spent */
  readonly budget?: { take(bytes: number): boolean }
  /** Where bundles may be fetched from; default: public addresses, and this machine where the API is on it. */
  readonly guard?: AddressGuard
}

/** Bundles fetched at the same time. */
const PARALLEL = 8

/**
 * Asks GitHub's attestation store about one digest: `GET /repos/{owner}/{repo}/attestations/{subject_digest}`
 * (docs.github.com/rest/repos/attestations). Since July 2026 an entry names the place of its bundle (`bundle_url`, one raw
 * Snappy block in a foreign storage) and holds it (`bundle`) no longer; both are read.
 * Never throws: whatever cannot be read is named, and the answer is then incomplete.
 */
export async function storedAttestations(question: StoreQuestion): Promise<StoredBundles> {
  const { repository, subject } = question
  const out: Mutable = { complete: true, skipped: [] }
  const entries = await entriesOf(question, out)
  const budget = question.budget ?? { take: takerOf(LIMITS.subjectBundles, LIMITS.subjectBundleBytes) }
  let left = 0
  const bundles = await inParallel(entries, PARALLEL, async entry => {
    const bytes = await bundleOf(entry, question).catch(error => leave(out, repository, error))
    if (bytes === undefined) return []
    if (budget.take(bytes.byteLength)) return [{ bytes, manifest: sha256(bytes) }]
    left++
    return []
  })
  if (left > 0) leave(out, repository, overBudget(subject, left))
  return { bundles: bundles.flat(), ...out }
}

interface Mutable {
  complete: boolean
  readonly skipped: Finding[]
}

function leave(out: Mutable, repository: string, error: unknown): undefined {
  out.complete = false
  out.skipped.push(findingOf(asWaybillError(error), repository, 'note'))
}

function takerOf(bundles: number, bytes: number): (size: number) => boolean {
  let [count, left] = [bundles, bytes]
  return size => {
    if (count < 1 || size > left) return false
    count--
    left -= size
    return true
  }
}

async function entriesOf(question: StoreQuestion, out: Mutable): Promise<readonly Json[]> {
  const { api, repository, subject } = question
  const path = `/repos/${repository.split('/').map(encodeURIComponent).join('/')}`
  const entries: Json[] = []
  let asked = false
  try {
    for await (const page of api.pages(`${path}/attestations/${subject}`, about(question), 'attestations')) {
      asked = true
      entries.push(...page.items)
      if (page.more && (page.last || entries.length > LIMITS.subjectBundles)) {
        leave(out, repository, overBudget(subject, entries.length - LIMITS.subjectBundles))
        return entries.slice(0, LIMITS.subjectBundles)
      }
    }
    // GitHub says "Not Found" of a digest without attestations and of a repository that it does not show, alike: only
    // where the repository is shown there are none (13-adversary 5).
    if (!asked) await api.get(path, { of: repository, permission: 'contents: read' })
  } catch (error) {
    leave(out, repository, error)
  }
  return entries
}

function about({ repository, subject }: StoreQuestion): Question {
  return {
    of: `the attestations of ${repository} about ${subject}`,
    permission: 'attestations: read',
    absent: 'Not Found',
  }
}

/** The bytes of one entry's bundle. @throws `github/api-…`, `core/…` */
async function bundleOf(entry: Json, question: StoreQuestion): Promise<Uint8Array> {
  const asked = about(question)
  const { bundle, bundle_url: place } = shaped(asked, (): JsonObject => objectAt(entry, 'attestations[]'))
  // The signature covers what stands in the bundle as base64, so writing the JSON anew changes nothing that counts.
  if (isObject(bundle)) return bounded(utf8(JSON.stringify(bundle)))
  if (place === undefined || place === null)
    throw fail('github/api-malformed', `An entry among ${asked.of} holds no bundle`, {
      expected: '`bundle` or `bundle_url`',
      found: 'neither',
    })
  return fetchBundle(
    placeOf(
      shaped(asked, () => stringAt(place, 'bundle_url')),
      question.api,
    ),
    question,
  )
}

/** A URL that the store's answer names, held to what a storage may be: the answer is foreign bytes. */
function placeOf(text: string, api: GithubApi): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const plain = url?.protocol === 'http:' && isLoopbackHost(url.hostname) && isLocal(api)
  if (url !== undefined && (url.protocol === 'https:' || plain) && url.username === '' && url.password === '')
    return url
  // Query strings of storage URLs are secrets for as long as they live.
  const found = text.split('?', 1)[0] ?? ''
  throw fail('github/api-malformed', 'The place of a bundle is no https URL', { expected: 'https://…', found })
}

function isLocal({ apiUrl }: GithubApi): boolean {
  return isLoopbackHost(new URL(apiUrl).hostname)
}

/** Without any token; a redirect is no answer. */
async function fetchBundle(url: URL, { api, http, guard }: StoreQuestion): Promise<Uint8Array> {
  const pin = await (guard ?? addressGuard({ private: isLocal(api), pin: true }))(url)
  const request = { method: 'GET', url: url.href, maxBytes: LIMITS.bundleBytes, pin } as const
  const answer = await withRetry(() => http.send(request), { clock: api.clock })
  if (answer.status !== 200)
    throw fail('github/api-refused', `${url.host} did not give a bundle of the attestation store`, {
      expected: '200',
      found: String(answer.status),
    })
  const isPlain = /^application\/(?:[\w.+-]+\+)?json\b/.test(answer.headers['content-type'] ?? '')
  return isPlain ? answer.body : decodeSnappy(answer.body, LIMITS.bundleBytes)
}

function bounded(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength <= LIMITS.bundleBytes) return bytes
  throw fail('core/answer-too-large', 'A bundle of the attestation store is larger than accepted', {
    expected: `at most ${LIMITS.bundleBytes} bytes`,
  })
}

function overBudget(subject: Digest, left: number): Error {
  return fail(
    'github/attestations-incomplete',
    `The store holds more attestations about ${subject} than are examined`,
    {
      expected: `at most ${LIMITS.subjectBundles} and ${LIMITS.subjectBundleBytes} bytes`,
      found: `${left} more`,
    },
  )
}
