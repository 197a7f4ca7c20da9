import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import type { Verified } from '../core/verified.ts'
import { readFileBounded } from '../io/files.ts'
import { keptRoot } from '../pipeline/kept-replay.ts'
import type { Reach, Verifier, VerifyPorts } from '../pipeline/verify-request.ts'
import { baseSigners } from '../policy/base-images.ts'
import { ruleSigners } from '../policy/gate.ts'
import type { Law } from '../policy/law.ts'
import { loadTrust } from '../sigstore/trust/load.ts'
import { parseTrustRoot, type TrustRoot } from '../sigstore/trust/root.ts'
import { fetchByTuf, type TufInstance } from '../sigstore/trust/tuf.ts'
import type { KeyMaterial } from '../sigstore/verify/keys.ts'
import { needUnder } from '../sigstore/verify/need.ts'
import { isUnwitnessed, verifyUnwitnessed } from '../sigstore/verify/unwitnessed/verify.ts'
import { verifyArtifact, verifyLegacy } from '../sigstore/verify/verify.ts'
import type { SignedStatement } from '../statements/statement.ts'
import type { GateRecording } from './gate-recording.ts'
import type { Replay } from './gate-replay.ts'

/** What signatures are checked with: keys and trust roots the caller or his policy names. */
export interface TrustOptions {
  readonly policy?: { readonly law: Law }
  /** Paths on disk, named by the caller. */
  readonly keyFile?: string
  readonly trustedRootFile?: string
  /** Where TUF metadata is kept. */
  readonly cacheFolder: string
  readonly offline: boolean
  /** Told every root that is not in the policy itself. */
  readonly recording?: GateRecording
  /** Roots of instances on the network come from here. */
  readonly replay?: Replay
}

/**
 * Every rule names its own root and a bundle is verified against that one alone (13-adversary 29). Each root is parsed once,
 * and so is each key.
 */
export async function verifiers(options: TrustOptions): Promise<VerifyPorts['verifier']> {
  const keys = await keyMaterial(options)
  const known = new Map<string, Promise<Verifier>>()
  const { policy, keyFile, trustedRootFile } = options
  const byKeyAlone = policy === undefined && keyFile !== undefined && trustedRootFile === undefined
  const rooted = (expectation: Reach): Promise<Verifier> => {
    const name = typeof expectation.trust === 'string' ? expectation.trust : `file:${expectation.trust.file}`
    const verifier = known.get(name) ?? load(options, expectation).then(root => verifierOf(root, keys))
    known.set(name, verifier)
    return verifier
  }
  return async (expectation, kind) =>
    byKeyAlone && kind === 'file' ? keyVerifier(keys, () => rooted(expectation)) : rooted(expectation)
}

/** Who names a key and no services asks no service: but a bundle that names some is verified by their root, or not at all. */
function keyVerifier(keys: readonly KeyMaterial[], rooted: () => Promise<Verifier>): Verifier {
  return {
    bundle: async (bytes, artifact) =>
      isUnwitnessed(bytes) ? verifyUnwitnessed(bytes, keys) : (await rooted()).bundle(bytes, artifact),
  }
}

function verifierOf(root: TrustRoot, keys: readonly KeyMaterial[]): Verifier {
  const need = { ...needUnder(root), ...(keys.length === 0 ? {} : { keys }) }
  // A bundle on disk is offered for every subject; its mathematics is done once. Not so where it depends on the subject.
  const done = new WeakMap<Uint8Array, Verified<SignedStatement>>()
  return {
    bundle: async (bytes, artifact) => {
      const before = done.get(bytes)
      if (before !== undefined) return before
      const verified = await withoutTraces(() => verifyArtifact(bytes, artifact, root, need))
      if (verified.form === undefined) done.set(bytes, verified)
      return verified
    },
    legacy: signature => verifyLegacy(signature, root, need),
  }
}

/**
 * Parsers of certificates try and catch by the hundred for each bundle, and a trace of the stack for each costs more than the
 * parsing. Only what runs before the first wait is without traces, which is all of it for statements.
 */
function withoutTraces<T>(work: () => T): T {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return work()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

async function load(options: TrustOptions, { trust }: Reach): Promise<TrustRoot> {
  const { policy, trustedRootFile, recording } = options
  if (trustedRootFile !== undefined && policy === undefined) {
    const bytes = await readFileBounded(trustedRootFile, LIMITS.serviceAnswerBytes)
    recording?.root('flag', bytes)
    return loadTrust({ trustedRootFile: bytes })
  }
  if (typeof trust === 'string') return loadInstance(trust, options)
  const bytes = policy?.law.files.get(trust.file)
  if (bytes === undefined) throw fail('policy/unusable', `The policy's trust root ${trust.file} is missing`)
  return loadTrust({ trustedRootFile: bytes })
}

async function loadInstance(
  instance: TufInstance,
  { policy, cacheFolder, offline, recording, replay }: TrustOptions,
): Promise<TrustRoot> {
  if (replay !== undefined) return loadTrust({ trustedRootFile: keptRoot(replay.kept, instance) })
  if (offline)
    throw fail('core/offline', 'The trust root of an instance on the network is fetched through TUF', {
      expected: policy === undefined ? '--trusted-root FILE' : 'trust: { file: PATH } in the rule',
      found: '--offline',
    })
  const bytes = await fetchByTuf('trusted_root.json', { instance, cacheFolder })
  recording?.root(instance, bytes)
  return parseTrustRoot(bytes, instance)
}

/** Public keys that may have signed: the one of the flag, and those that rules for images name, deployed or built upon. */
async function keyMaterial({ keyFile, policy }: TrustOptions): Promise<readonly KeyMaterial[]> {
  const keys: KeyMaterial[] = []
  if (keyFile !== undefined) keys.push({ publicKey: textOf(await readFileBounded(keyFile, LIMITS.policyFileBytes)) })
  const { deploy = [], baseImages = [] } = policy?.law.policy ?? {}
  const signers = [...deploy.flatMap(ruleSigners), ...baseImages.flatMap(baseSigners)]
  const files = new Set(signers.flatMap(signer => (signer.kind === 'key' ? [signer.file] : [])))
  for (const file of files) {
    const bytes = policy?.law.files.get(file)
    if (bytes !== undefined) keys.push({ publicKey: textOf(bytes) })
  }
  return keys
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}
