import { type TransparencyLogEntry, toDSSEBundle } from '@sigstore/bundle'
import { fail } from '../../core/error.ts'
import type { HttpClient } from '../../io/http.ts'
import type { RetryClock } from '../../io/retry.ts'
import { IN_TOTO_PAYLOAD_TYPE } from '../../statements/statement.ts'
import { parseBundle, serialiseBundle } from '../bundle.ts'
import type { RekorService, SigningServices } from '../trust/services.ts'
import { preAuthEncoding } from '../verify/log-entry.ts'
import { assertClocksAgree } from './clock.ts'
import type { Signer } from './credential.ts'
import type { SignedEnvelope } from './envelope.ts'
import { quorum } from './quorum.ts'
import { logByRekorV1 } from './rekor-v1.ts'
import { AlreadyLogged, logByRekorV2 } from './rekor-v2.ts'
import type { Transport } from './service.ts'
import { requestTimestamp, type SignedTimestamp } from './timestamp.ts'

/** Bounds of requests and retries; defaults are those of `LIMITS`. */
export interface Patience {
  readonly requestMs?: number
  readonly retryBudgetMs?: number
  readonly clock?: RetryClock
}

function transportOf(http: HttpClient, { requestMs, retryBudgetMs, clock }: Patience): Transport {
  return {
    http,
    ...(requestMs === undefined ? {} : { requestMs }),
    ...(retryBudgetMs === undefined ? {} : { retryBudgetMs }),
    ...(clock === undefined ? {} : { clock }),
  }
}

/** Who shall see signatures. */
export interface WitnessOptions {
  readonly services: SigningServices
  readonly http: HttpClient
  /** Milliseconds since the epoch, by this machine. */
  readonly now: () => number
  /** False for `transparency-log: none`: timestamps only. Default true. */
  readonly log?: boolean
}

/** The services that will have seen the signature. */
export interface Witnesses {
  readonly transport: Transport
  readonly services: SigningServices
  readonly log: boolean
  readonly now: () => number
}

/**
 * Begins to open connections to the services of choice, and asks them nothing yet.
 * @throws `sigstore/no-service` when the services cannot give a bundle that verifies.
 */
export function openWitnesses({ services, http, now, log = true }: WitnessOptions, patience: Patience): Witnesses {
  refuseUnverifiable(services, log)
  warmServices(http, services, log)
  return { transport: transportOf(http, patience), services, log, now }
}

/** Who signs, and what a bundle says of it. */
export interface Hand extends Signer, Pick<SignedEnvelope, 'publicKey' | 'certificate' | 'keyDetails'> {
  /** `publicKey.hint`, of a key without a certificate. */
  readonly hint?: string
}

/** A bundle as it came from one signature. */
export interface WitnessedBundle {
  readonly bundle: Uint8Array
  /** The earliest time a service gave; absent when none was asked. */
  readonly signedAt?: Date
  readonly log?: { readonly url: string; readonly index: string }
}

export interface Witnessed {
  readonly entries: readonly { readonly entry: TransparencyLogEntry; readonly url: string }[]
  readonly stamps: readonly SignedTimestamp[]
}

/** Signs a statement, has it witnessed, and assembles the bundle; signs again once if a log knows the signature already. */
export function signWitnessed(payload: Uint8Array, hand: Hand, witnesses?: Witnesses): Promise<WitnessedBundle> {
  return signOnce(payload, hand, witnesses).catch(error => {
    if (!(error instanceof AlreadyLogged)) throw error
    return signOnce(payload, hand, witnesses).catch(refuseSecondDuplicate)
  })
}

async function signOnce(payload: Uint8Array, hand: Hand, witnesses?: Witnesses): Promise<WitnessedBundle> {
  const { publicKey, certificate, keyDetails } = hand
  const signature = hand.sign(preAuthEncoding({ payloadType: IN_TOTO_PAYLOAD_TYPE, payload }))
  const envelope: SignedEnvelope = {
    payloadType: IN_TOTO_PAYLOAD_TYPE,
    payload,
    signature,
    publicKey,
    ...(certificate === undefined ? {} : { certificate }),
    ...(keyDetails === undefined ? {} : { keyDetails }),
  }
  const witnessed = witnesses === undefined ? NOBODY : await witness(envelope, witnesses)
  const signedAt = witnesses === undefined ? undefined : timeOf(witnessed, witnesses.now())
  const bundle = assemble(envelope, hand.hint, witnessed)
  parseBundle(bundle) // what is published must be what our own gate reads
  const [first] = witnessed.entries
  return {
    bundle,
    ...(signedAt === undefined ? {} : { signedAt }),
    ...(first === undefined ? {} : { log: { url: first.url, index: first.entry.logIndex } }),
  }
}

const NOBODY: Witnessed = { entries: [], stamps: [] }

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
export function timeOf({ entries, stamps }: Witnessed, now: number): Date {
  const logged = entries
    .filter(({ entry }) => entry.inclusionPromise !== undefined && entry.integratedTime !== '0')
    .map(({ entry }) => new Date(Number(entry.integratedTime) * 1000))
  for (const time of logged) assertClocksAgree('transparency log', time, now)
  for (const { time } of stamps) assertClocksAgree('timestamp authority', time, now)
  const times = [...logged, ...stamps.map(({ time }) => time)].map(time => time.getTime())
  if (times.length === 0) throw fail('sigstore/log-answer-malformed', 'No service said when the signature was made')
  return new Date(Math.min(...times))
}

function assemble(envelope: SignedEnvelope, keyHint: string | undefined, { entries, stamps }: Witnessed): Uint8Array {
  const { payload, payloadType, signature, certificate } = envelope
  const bundle = toDSSEBundle({
    artifact: Buffer.from(payload),
    artifactType: payloadType,
    signature: Buffer.from(signature),
    ...(certificate === undefined ? {} : { certificate: Buffer.from(certificate) }),
    ...(keyHint === undefined ? {} : { keyHint }),
    certificateChain: false,
  })
  // The library repeats the hint as `keyid` of the envelope, and cosign 3.1 skips a signature whose keyid is not its own name.
  for (const one of bundle.content.dsseEnvelope.signatures) one.keyid = ''
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

/** Statements signed side by side: signature, provenance, and the two about the source. */
const STATEMENTS_AT_ONCE = 4

function warmServices(http: HttpClient, services: SigningServices, log: boolean): void {
  const { rekor, tsa, selection } = services
  const logs = log ? rekor.slice(0, selection.rekor).map(({ url }) => url) : []
  for (const url of [...logs, ...tsa.slice(0, selection.tsa)]) http.warm(url, STATEMENTS_AT_ONCE)
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
