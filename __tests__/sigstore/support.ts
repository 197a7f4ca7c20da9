import { type KeyObject, sign } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { toDSSEBundle } from '@sigstore/bundle'
import { type ErrorCode, WaybillError } from '../../src/core/error.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { HttpClient } from '../../src/io/http.ts'
import type { RetryClock } from '../../src/io/retry.ts'
import { serialiseBundle } from '../../src/sigstore/bundle.ts'
import { logByRekorV1 } from '../../src/sigstore/sign/rekor-v1.ts'
import { openSession, type SessionOptions, type SigningSession } from '../../src/sigstore/sign/session.ts'
import { requestTimestamp } from '../../src/sigstore/sign/timestamp.ts'
import { parseTrustRoot, type TrustRoot } from '../../src/sigstore/trust/root.ts'
import { loadSigningConfig, type SigningServices } from '../../src/sigstore/trust/services.ts'
import { preAuthEncoding } from '../../src/sigstore/verify/log-entry.ts'
import { buildStatement } from '../../src/statements/build.ts'
import { IN_TOTO_PAYLOAD_TYPE } from '../../src/statements/statement.ts'
import {
  alternativeUri,
  authorityKeyId,
  CODE_SIGNING,
  extendedUsage,
  extension,
  mintCertificate,
  NO_NAME,
  randomSerial,
  subjectKeyId,
  tbsCertificate,
  usageSignature,
} from '../fakes/certificate.ts'
import { utf8String } from '../fakes/der.ts'
import { type KeyPair, p256, spki } from '../fakes/keys.ts'
import { type Stack, type StackOptions, startStack } from '../fakes/stack.ts'

/** A stack with what this room needs around it. */
export interface Bench {
  readonly stack: Stack
  readonly http: HttpClient
  readonly services: SigningServices
  readonly trust: TrustRoot
  session(options?: Partial<SessionOptions>): SigningSession
  close(): Promise<void>
}

export const SAN = 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main'

/** Retries without waiting, so that a test of a service that stays down is fast. */
export const hasty: RetryClock = { now: () => Date.now(), sleep: async () => {}, random: () => 0 }

export async function openBench(options: StackOptions = {}): Promise<Bench> {
  const stack = await startStack({ platform: 'https://github.com', ...options })
  const http = new HttpClient()
  const services = loadSigningConfig(await readFile(stack.signingConfigFile), new Date())
  const trust = parseTrustRoot(await readFile(stack.trustedRootFile), 'file')
  return {
    stack,
    http,
    services,
    trust,
    session: (own = {}) =>
      openSession({ services, http, identityToken: () => stack.oidc.mint(), now: Date.now, clock: hasty, ...own }),
    close: async () => {
      http.close()
      await stack.close()
    },
  }
}

export function statement(name = 'a'): Uint8Array {
  return buildStatement({
    subjects: [{ digest: { sha256: 'ab'.repeat(32) } }],
    predicateType: `https://example.invalid/${name}`,
    predicate: { name },
  })
}

/** The trust root of a bench with some lists replaced. */
export function rootWith(bench: Bench, change: Record<string, unknown>): TrustRoot {
  return parseTrustRoot(Buffer.from(JSON.stringify({ ...bench.stack.trustedRoot, ...change })), 'file')
}

export type Mutable = Record<string, unknown>

/** The object at a path of a JSON tree; a test that names a path which is not there fails. */
export function at(json: unknown, ...path: readonly (string | number)[]): Mutable {
  let value: unknown = json
  for (const key of path) value = (value as Mutable)[key]
  if (typeof value !== 'object' || value === null) throw new Error(`nothing at ${path.join('.')}`)
  return value as Mutable
}

export function listAt(json: unknown, ...path: readonly (string | number)[]): unknown[] {
  return at(json, ...path) as unknown as unknown[]
}

/** A copy of a bundle with a change made to its JSON. */
export function changed(bundle: Uint8Array, change: (json: Mutable) => void): Uint8Array {
  const json = JSON.parse(Buffer.from(bundle).toString())
  change(json)
  return Buffer.from(JSON.stringify(json))
}

export async function codeOf(action: () => unknown): Promise<ErrorCode | undefined> {
  return (await errorOf(action))?.code
}

/** The typed error of an action; a raw error fails the test that asked. */
export async function errorOf(action: () => unknown): Promise<WaybillError | undefined> {
  try {
    await action()
    return undefined
  } catch (error) {
    if (error instanceof WaybillError) return error
    throw error
  }
}

/** Extensions of an honest leaf, by name, so that a test can leave one out or put another in. */
export function leafExtensions(key: KeyObject, issuer: KeyObject): Record<string, Buffer> {
  return {
    usage: usageSignature(),
    purpose: extendedUsage(CODE_SIGNING),
    subjectKey: subjectKeyId(key),
    authorityKey: authorityKeyId(issuer),
    san: alternativeUri(SAN),
    issuer: extension('1.3.6.1.4.1.57264.1.8', utf8String('https://issuer.example')),
  }
}

export interface ForgeOptions {
  readonly extensions?: (honest: Record<string, Buffer>) => readonly Buffer[]
  readonly sct?: boolean
  /** When its ten minutes begin; default now. */
  readonly notBefore?: Date
  readonly payload?: Uint8Array
  readonly payloadType?: string
  /** Logged and timestamped elsewhere. */
  readonly rekorUrl?: string
  readonly tsaUrl?: string
}

/** A leaf of the bench's own certificate authority with whatever a test puts into it. */
export function forgeLeaf(bench: Bench, keys: KeyPair, options: ForgeOptions = {}): Buffer {
  const issuer = bench.stack.fulcio.intermediate
  const honest = leafExtensions(keys.publicKey, issuer.keys.publicKey)
  const now = new Date(Math.floor((options.notBefore ?? new Date()).getTime() / 1000) * 1000)
  const fields = {
    issuer: { name: issuer.name, key: issuer.keys.privateKey },
    subject: NO_NAME,
    publicKey: keys.publicKey,
    serial: randomSerial(),
    notBefore: now,
    notAfter: new Date(now.getTime() + 600_000),
    extensions: options.extensions?.(honest) ?? Object.values(honest),
  }
  if (options.sct === false) return mintCertificate(fields)
  const { ctLog } = bench.stack.fulcio
  const sct = ctLog.logPrecertificate(tbsCertificate(fields), spki(issuer.keys.publicKey), now)
  return mintCertificate({ ...fields, extensions: [...fields.extensions, sct] })
}

/** A bundle that a dishonest signer could make: everything is really signed, logged and timestamped. */
export async function forge(bench: Bench, options: ForgeOptions = {}): Promise<Uint8Array> {
  const keys = await p256()
  const certificate = forgeLeaf(bench, keys, options)
  const payload = options.payload ?? statement()
  const payloadType = options.payloadType ?? IN_TOTO_PAYLOAD_TYPE
  const signature = sign('sha256', preAuthEncoding({ payloadType, payload }), keys.privateKey)
  const envelope = { payload, payloadType, signature, publicKey: keys.publicKey, certificate }
  const transport = { http: bench.http }
  const entry = await logByRekorV1(transport, options.rekorUrl ?? bench.stack.rekorV1.url, envelope)
  const stamp = await requestTimestamp(transport, options.tsaUrl ?? bench.stack.timestamp.endpoint, signature)
  const bundle = toDSSEBundle({
    artifact: Buffer.from(payload),
    artifactType: payloadType,
    signature,
    certificate,
    certificateChain: false,
  })
  bundle.verificationMaterial.tlogEntries = [entry]
  bundle.verificationMaterial.timestampVerificationData = { rfc3161Timestamps: [{ signedTimestamp: stamp.der }] }
  return serialiseBundle(bundle)
}

export function jsonOf(bytes: Uint8Array): JsonObject {
  return JSON.parse(Buffer.from(bytes).toString())
}
