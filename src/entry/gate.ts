import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { readFileBounded } from '../io/files.ts'
import type { HttpClient } from '../io/http.ts'
import { type VerifyPorts, verifyImages } from '../pipeline/verify-images.ts'
import { type Expectation, type ExpectationFlags, expectationFor, expectationFromFlags } from '../policy/gate.ts'
import { keyFingerprint } from '../policy/key-file.ts'
import type { Law } from '../policy/law.ts'
import { fetchBundles } from '../registry/bundles.ts'
import { RegistryClient } from '../registry/client.ts'
import type { CredentialSource } from '../registry/credentials.ts'
import { inspectImage } from '../registry/image.ts'
import type { Receipt } from '../report/receipt.ts'
import { loadTrust } from '../sigstore/trust/load.ts'
import type { TrustRoot } from '../sigstore/trust/root.ts'
import type { KeyMaterial } from '../sigstore/verify/keys.ts'
import { needUnder } from '../sigstore/verify/need.ts'
import { verifyBundle } from '../sigstore/verify/verify.ts'

/** Who is expected to have signed: a policy's deploy rules, or flags. Never both, never neither. */
export interface GateOptions {
  readonly images: readonly [string, ...string[]]
  /** The law whose `deploy` rules judge, and how the result names it. */
  readonly policy?: { readonly law: Law; readonly receipt: NonNullable<Receipt['policy']> }
  readonly flags: Omit<ExpectationFlags, 'key' | 'trustedRoot'>
  /** Paths on disk, named by the caller. */
  readonly keyFile?: string
  readonly trustedRootFile?: string
  readonly http: HttpClient
  readonly credentials: CredentialSource
  readonly insecureRegistries: readonly string[]
  /** Where TUF metadata is kept. */
  readonly cacheFolder: string
}

/** The gate for images, behind `verify/action.yml` and `waybill verify image`. @throws only configuration errors. */
export async function runGate(options: GateOptions): Promise<Receipt> {
  const keys = await keyMaterial(options)
  const flags = options.policy === undefined ? await expectationOfFlags(options) : undefined
  const registry = new RegistryClient({
    http: options.http,
    credentials: options.credentials,
    plainHttpHosts: options.insecureRegistries,
  })
  const trust = trustRoots(options)
  const ports: VerifyPorts = {
    resolve: async reference => {
      const { descriptor, manifest } = await registry.resolve(reference)
      const platforms =
        manifest.kind === 'index' ? (await inspectImage(registry, reference, descriptor.digest)).platforms : []
      return { reference, digest: descriptor.digest, platforms: platforms.map(platform => platform.digest) }
    },
    bundles: (reference, digest) => fetchBundles(registry, reference, digest),
    verifier: async expectation => {
      const root = await trust(expectation)
      const need = { ...needUnder(root), ...keys }
      return bundle => verifyBundle(bundle, root, need)
    },
    now: new Date(),
    clock: () => performance.now(),
  }
  const expectation = ({ canonical }: { canonical: string }): Expectation =>
    flags ?? expectationFor((options.policy as NonNullable<GateOptions['policy']>).law.policy, canonical)
  return verifyImages({ images: options.images, expectation, ...receiptPolicy(options) }, ports)
}

function receiptPolicy({ policy }: GateOptions): { policy?: NonNullable<Receipt['policy']> } {
  return policy === undefined ? {} : { policy: policy.receipt }
}

async function expectationOfFlags(options: GateOptions): Promise<Expectation> {
  const { flags, keyFile, trustedRootFile } = options
  const key =
    keyFile === undefined
      ? {}
      : {
          key: {
            file: keyFile,
            fingerprint: keyFingerprint(await readFileBounded(keyFile, LIMITS.policyFileBytes), keyFile),
          },
        }
  return expectationFromFlags({
    ...flags,
    ...key,
    ...(trustedRootFile === undefined ? {} : { trustedRoot: trustedRootFile }),
  })
}

/** Public keys that may have signed: the one of the flag, and those that deploy rules name. */
async function keyMaterial({ keyFile, policy }: GateOptions): Promise<{ keys?: readonly KeyMaterial[] }> {
  const keys: KeyMaterial[] = []
  if (keyFile !== undefined) keys.push({ publicKey: textOf(await readFileBounded(keyFile, LIMITS.policyFileBytes)) })
  const signers = (policy?.law.policy.deploy ?? []).flatMap(rule =>
    rule.kind === 'deny' ? [] : [rule.build, ...(rule.source === undefined ? [] : [rule.source.signer])],
  )
  const files = new Set(signers.flatMap(signer => (signer.kind === 'key' ? [signer.file] : [])))
  for (const file of files) {
    const bytes = policy?.law.files.get(file)
    if (bytes !== undefined) keys.push({ publicKey: textOf(bytes) })
  }
  return keys.length === 0 ? {} : { keys }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}

/** Every rule names its own root and a bundle is verified against that one alone (13-adversary 29); each is parsed once. */
function trustRoots({ policy, trustedRootFile, cacheFolder }: GateOptions): (of: Expectation) => Promise<TrustRoot> {
  const known = new Map<string, Promise<TrustRoot>>()
  const load = async ({ trust }: Expectation): Promise<TrustRoot> => {
    if (trustedRootFile !== undefined && policy === undefined)
      return loadTrust({ trustedRootFile: await readFileBounded(trustedRootFile, LIMITS.serviceAnswerBytes) })
    if (trust === 'public-good') return loadTrust({ tuf: 'public-good', cacheFolder })
    if (trust === 'github')
      throw fail('sigstore/trust-unavailable', 'The trust root of GitHub’s own instance is not wired to this gate')
    const bytes = policy?.law.files.get(trust.file)
    if (bytes === undefined) throw fail('policy/unusable', `The policy's trust root ${trust.file} is missing`)
    return loadTrust({ trustedRootFile: bytes })
  }
  return expectation => {
    const name = typeof expectation.trust === 'string' ? expectation.trust : `file:${expectation.trust.file}`
    const root = known.get(name) ?? load(expectation)
    known.set(name, root)
    return root
  }
}
