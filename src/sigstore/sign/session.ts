import { type TransparencyLogEntry, toDSSEBundle } from '@sigstore/bundle'
import { fail } from '../../core/error.ts'
import type { CertificateSigner } from '../../core/signer.ts'
import type { HttpClient } from '../../io/http.ts'
import type { RetryClock } from '../../io/retry.ts'
import { parseStatement } from '../../statements/parse.ts'
import { IN_TOTO_PAYLOAD_TYPE } from '../../statements/statement.ts'
import { parseBundle, serialiseBundle } from '../bundle.ts'
import type { RekorService, SigningServices } from '../trust/services.ts'
import { preAuthEncoding } from '../verify/log-entry.ts'
import { assertClocksAgree } from './clock.ts'
import { type Credential, CredentialStore } from './credential.ts'
import type { SignedEnvelope } from './envelope.ts'
import { quorum } from './quorum.ts'
import { logByRekorV1 } from './rekor-v1.ts'
import { AlreadyLogged, logByRekorV2 } from './rekor-v2.ts'
import type { Transport } from './service.ts'
import { requestTimestamp, type SignedTimestamp } from './timestamp.ts'

export interface SessionOptions {
  readonly services: SigningServices
  readonly http: HttpClient
  /** A fresh identity token with audience `sigstore`; asked for once a certificate, never kept, never shown. */
  readonly identityToken: () => Promise<string>
  /** Milliseconds since the epoch, by this machine. */
  readonly now: () => number
  /** False for `transparency-log: none`: timestamps only. Default true. */
  readonly log?: boolean
  /** Bounds of requests and retries; defaults are those of `LIMITS`. */
  readonly requestMs?: number
  readonly retryBudgetMs?: number
  readonly clock?: RetryClock
}

export interface SignedBundle {
  /** A v0.3 bundle, encoded once: store and publish exactly these bytes. */
  readonly bundle: Uint8Array
  /** The earliest time a service gave for the signature. */
  readonly signedAt: Date
  readonly log?: { readonly url: string; readonly index: string }
}

/** Signs statements as one identity. Safe to call concurrently. */
export interface SigningSession {
  /** Who signs, as the certificate says it; fetches the certificate, signs nothing. */
  certificate(): Promise<CertificateSigner>
  /**
   * Signs one statement, has it logged and timestamped in parallel, and assembles the bundle.
   * @param statement an in-toto statement's bytes; anything else is refused (13-adversary 22).
   * @throws `sigstore/…` of kind unknown when a service cannot be reached or used; nothing is published by then except
   * the log entry.
   */
  sign(statement: Uint8Array): Promise<SignedBundle>
}

/** Signature, provenance, and the two statements about the source are signed side by side. */
const STATEMENTS_AT_ONCE = 4

/**
 * Begins to open connections to the services of choice, and asks them nothing yet.
 * @throws `sigstore/no-service` when the services cannot give a bundle that verifies.
 */
export function openSession(options: SessionOptions): SigningSession {
  const { services, http, log = true } = options
  refuseUnverifiable(services, log)
  const { requestMs, retryBudgetMs, clock } = options
  const transport: Transport = {
    http,
    ...(requestMs === undefined ? {} : { requestMs }),
    ...(retryBudgetMs === undefined ? {} : { retryBudgetMs }),
    ...(clock === undefined ? {} : { clock }),
  }
  const { identityToken, now } = options
  const credentials = new CredentialStore({ transport, fulcioUrl: services.fulcioUrl, identityToken, now })
  const witnesses: Witnesses = { transport, services, log, now }
  warm(http, services, log)
  return {
    certificate: async () => (await credentials.get()).signer,
    sign: async statement => {
      // A file whose bytes are a DSSE PAE or a commit must never become something we signed.
      parseStatement(statement)
      const credential = await credentials.get()
      return signOnce(statement, credential, witnesses).catch(error => {
        if (!(error instanceof AlreadyLogged)) throw error
        return signOnce(statement, credential, witnesses).catch(refuseSecondDuplicate)
      })
    },
  }
}

function warm(http: HttpClient, { fulcioUrl, rekor, tsa, selection }: SigningServices, log: boolean): void {
  const logs = log ? rekor.slice(0, selection.rekor).map(({ url }) => url) : []
  const witnesses = [...logs, ...tsa.slice(0, selection.tsa)]
  if (fulcioUrl !== undefined) http.warm(fulcioUrl, 1)
  for (const url of witnesses) http.warm(url, STATEMENTS_AT_ONCE)
}

interface Witnesses {
  readonly transport: Transport
  readonly services: SigningServices
  readonly log: boolean
  readonly now: () => number
}

interface Witnessed {
  readonly entries: readonly { readonly entry: TransparencyLogEntry; readonly url: string }[]
  readonly stamps: readonly SignedTimestamp[]
}

/** Without a log that promises a time, a timestamp is the only proof of when, and without one nothing verifies. */
function refuseUnverifiable({ rekor, tsa, selection }: SigningServices, log: boolean): void {
  if (log && selection.rekor === 0) {
    throw fail('sigstore/no-service', 'The signing configuration names no transparency log', {
      remedy: 'Add rekorTlogUrls to the signing configuration, or set transparency-log: none.',
    })
  }
  const promised = log && rekor.some(service => service.majorApiVersion === 1)
  if (tsa.length === 0 && !promised) {
    throw fail(
      'sigstore/no-service',
      'The signing configuration names no service that says when something was signed',
      {
        expected: 'tsaUrls with a usable timestamp authority (mandatory without a log and with Rekor v2)',
      },
    )
  }
}

async function signOnce(payload: Uint8Array, credential: Credential, witnesses: Witnesses): Promise<SignedBundle> {
  const { publicKey, der: certificate } = credential
  const signature = credential.sign(preAuthEncoding({ payloadType: IN_TOTO_PAYLOAD_TYPE, payload }))
  const envelope = { payloadType: IN_TOTO_PAYLOAD_TYPE, payload, signature, publicKey, certificate }
  const witnessed = await witness(envelope, witnesses)
  const signedAt = timeOf(witnessed, witnesses.now())
  const bundle = assemble(envelope, witnessed)
  parseBundle(bundle) // what is published must be what our own gate reads
  const [first] = witnessed.entries
  return {
    bundle,
    signedAt,
    ...(first === undefined ? {} : { log: { url: first.url, index: first.entry.logIndex } }),
  }
}

async function witness(envelope: SignedEnvelope, witnesses: Witnesses): Promise<Witnessed> {
  const { transport, services, log } = witnesses
  const logWith = async (service: RekorService) => {
    const write = service.majorApiVersion === 2 ? logByRekorV2 : logByRekorV1
    return { entry: await write(transport, service.url, envelope), url: service.url }
  }
  const [entries, stamps] = await Promise.all([
    log ? quorum(services.rekor, services.selection.rekor, logWith) : [],
    quorum(services.tsa, services.selection.tsa, url => requestTimestamp(transport, url, envelope.signature)),
  ])
  return { entries, stamps }
}

/** The earliest trusted time, after comparing each with this machine's clock. */
function timeOf({ entries, stamps }: Witnessed, now: number): Date {
  const logged = entries
    .filter(({ entry }) => entry.inclusionPromise !== undefined && entry.integratedTime !== '0')
    .map(({ entry }) => new Date(Number(entry.integratedTime) * 1000))
  for (const time of logged) assertClocksAgree('transparency log', time, now)
  for (const { time } of stamps) assertClocksAgree('timestamp authority', time, now)
  const times = [...logged, ...stamps.map(({ time }) => time)].map(time => time.getTime())
  if (times.length === 0) throw fail('sigstore/log-answer-malformed', 'No service said when the signature was made')
  return new Date(Math.min(...times))
}

function assemble(envelope: SignedEnvelope, { entries, stamps }: Witnessed): Uint8Array {
  const bundle = toDSSEBundle({
    artifact: Buffer.from(envelope.payload),
    artifactType: envelope.payloadType,
    signature: Buffer.from(envelope.signature),
    certificate: Buffer.from(envelope.certificate),
    certificateChain: false,
  })
  bundle.verificationMaterial.tlogEntries = entries.map(({ entry }) => entry)
  bundle.verificationMaterial.timestampVerificationData = {
    rfc3161Timestamps: stamps.map(({ der }) => ({ signedTimestamp: der })),
  }
  return serialiseBundle(bundle)
}

function refuseSecondDuplicate(error: unknown): never {
  if (!(error instanceof AlreadyLogged)) throw error
  throw fail('sigstore/log-answer-malformed', 'The transparency log calls a new signature a duplicate', {
    cause: error,
  })
}
