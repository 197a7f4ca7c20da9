import { type TransparencyLogEntry, toDSSEBundle } from '@sigstore/bundle'
import { fail } from '../../core/error.ts'
import type { HttpClient } from '../../io/http.ts'
import type { RetryClock } from '../../io/retry.ts'
import { IN_TOTO_PAYLOAD_TYPE } from '../../statements/statement.ts'
import { parseBundle, serialiseBundle } from '../bundle.ts'
import type { TrustRoot } from '../trust/root.ts'
import type { RekorService, SigningServices } from '../trust/services.ts'
import { preAuthEncoding } from '../verify/log-entry.ts'
import { needUnder } from '../verify/need.ts'
import { type VerificationNeed, verifyBundle } from '../verify/verify.ts'
import { requireLoggedUnder, requireStampedUnder } from '../verify/witness.ts'
import { assertClocksAgree } from './clock.ts'
import type { Signer } from './credential.ts'
import type { SignedEnvelope } from './envelope.ts'
import { assertWithinCertificate, named, proven } from './proof.ts'
import { quorum, type Waiting } from './quorum.ts'
import { REKOR } from './rekor.ts'
import { logByRekorV1 } from './rekor-v1.ts'
import { AlreadyLogged, logByRekorV2 } from './rekor-v2.ts'
import { RetryBudget } from './retry-budget.ts'
import { type ServiceCodes, type Transport, waitingFor } from './service.ts'
import { requestTimestamp, type SignedTimestamp, TSA } from './timestamp.ts'

/** Bounds of requests and retries; defaults are those of `LIMITS`. */
export interface Patience {
  /** For one request. */
  readonly requestMs?: number
  /** For the retries of all requests of a session. */
  readonly retryBudgetMs?: number
  readonly clock?: RetryClock
}

function transportOf(http: HttpClient, { requestMs, retryBudgetMs, clock }: Patience): Transport {
  return {
    http,
    budget: new RetryBudget(retryBudgetMs, clock),
    ...(requestMs === undefined ? {} : { requestMs }),
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
  /**
   * The root by which others will verify. With it everything that a service gives is verified before it is used, and every bundle
   * before it is handed out; without it only that the answers are about what was asked.
   */
  readonly trust?: () => Promise<TrustRoot>
}

/** The services that will have seen the signature. */
export interface Witnesses {
  readonly transport: Transport
  readonly services: SigningServices
  readonly log: boolean
  readonly now: () => number
  readonly trust: () => Promise<TrustRoot | undefined>
}

/**
 * Begins to open connections to the services of choice, and asks them nothing yet.
 * @throws `sigstore/no-service` when the services cannot give a bundle that verifies.
 */
export function openWitnesses(options: WitnessOptions, patience: Patience): Witnesses {
  const { services: given, http, now, log = true, trust = async () => undefined } = options
  const services = verifiableServices(given, log)
  warmServices(http, services, log)
  return { transport: transportOf(http, patience), services, log, now, trust }
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
  const signedAt = witnesses === undefined ? undefined : timeOf(witnessed)
  const bundle = assemble(envelope, hand.hint, witnessed)
  parseBundle(bundle) // what is published must be what our own gate reads
  if (witnesses !== undefined) await verifyWhole(envelope, witnesses, (root, need) => verifyBundle(bundle, root, need))
  const [first] = witnessed.entries
  return {
    bundle,
    ...(signedAt === undefined ? {} : { signedAt }),
    ...(first === undefined ? {} : { log: { url: first.url, index: first.entry.logIndex } }),
  }
}

const NOBODY: Witnessed = { entries: [], stamps: [] }

/** What one service gave is judged at once, so that another one can take its place. */
async function witness(envelope: SignedEnvelope, witnesses: Witnesses): Promise<Witnessed> {
  const { transport, services, log } = witnesses
  const judge = await judgeOf(envelope, witnesses)
  const logWith = async ({ url, majorApiVersion }: RekorService, waiting: Waiting) => {
    const log = majorApiVersion === 2 ? logByRekorV2 : logByRekorV1
    const entry = await log(waitingFor(transport, waiting), url, envelope)
    judge.entry(url, entry)
    return { entry, url }
  }
  const stampWith = async (url: string, waiting: Waiting) => {
    const stamp = await requestTimestamp(waitingFor(transport, waiting), url, envelope.signature)
    judge.stamp(url, stamp)
    return stamp
  }
  const [entries, stamps] = await Promise.all([
    log ? quorum(services.rekor, services.selection.rekor, logWith) : [],
    quorum(services.tsa, services.selection.tsa, stampWith),
  ])
  return { entries, stamps }
}

/** Judges what one service gave for a signature. @throws the service's `malformed`, `sigstore/service-not-trusted` */
export async function judgeOf(
  signed: Pick<SignedEnvelope, 'signature' | 'publicKey' | 'certificate'>,
  witnesses: Pick<Witnesses, 'now' | 'trust'>,
) {
  const { now } = witnesses
  const trust = await witnesses.trust()
  const timely = (codes: ServiceCodes, url: string, time: Date) => {
    assertClocksAgree(codes.name, time, now())
    assertWithinCertificate(signed.certificate, time, codes, url)
  }
  return {
    entry: (url: string, entry: TransparencyLogEntry) => {
      const time = promisedTime(entry)
      if (time !== undefined) timely(REKOR, url, time)
      proven(named(REKOR, url), trust, root => requireLoggedUnder(root, entry, time ?? new Date(now())))
    },
    stamp: (url: string, { der, time }: SignedTimestamp) => {
      timely(TSA, url, time)
      proven(named(TSA, url), trust, root => requireStampedUnder(root, der, signed))
    },
  }
}

/** Rekor v1 promises a time; an entry of Rekor v2 has none. */
function promisedTime({ inclusionPromise, integratedTime }: TransparencyLogEntry): Date | undefined {
  return inclusionPromise === undefined || integratedTime === '0' ? undefined : new Date(Number(integratedTime) * 1000)
}

/** The earliest time that a service gave. */
export function timeOf({ entries, stamps }: Witnessed): Date {
  const times = [...entries.map(({ entry }) => promisedTime(entry)), ...stamps.map(({ time }) => time)]
  const known = times.flatMap(time => (time === undefined ? [] : [time.getTime()]))
  if (known.length === 0) throw fail('sigstore/log-answer-malformed', 'No service said when the signature was made')
  return new Date(Math.min(...known))
}

/** As every gate will do it: what each part proves alone may still not hold together. */
export async function verifyWhole(
  { publicKey }: Pick<SignedEnvelope, 'publicKey'>,
  { log, trust }: Witnesses,
  verify: (root: TrustRoot, need: VerificationNeed) => unknown,
): Promise<void> {
  const keys = [{ publicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })) }]
  proven('the services together', await trust(), root => {
    verify(root, { ...needUnder(root), ...(log ? {} : { logs: 0 }), keys })
  })
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
function verifiableServices(services: SigningServices, log: boolean): SigningServices {
  const { rekor, tsa, selection } = services
  if (log && selection.rekor === 0) {
    throw fail('sigstore/no-service', 'The signing configuration names no transparency log', {
      remedy: 'Add rekorTlogUrls to the signing configuration, or set transparency-log: none.',
    })
  }
  if (tsa.length > 0) return services
  const promising = log ? rekor.filter(service => service.majorApiVersion === 1) : []
  // Whichever logs answer in the end, one of them must be of the first generation.
  if (promising.length > rekor.length - selection.rekor) return services
  if (promising.length > 0 && promising.length >= selection.rekor) return { ...services, rekor: promising }
  throw fail('sigstore/no-service', 'The signing configuration names no service that says when something was signed', {
    expected: 'tsaUrls with a usable timestamp authority (mandatory without a log and with Rekor v2)',
  })
}
