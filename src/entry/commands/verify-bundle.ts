import { resolve } from 'node:path'
import { isDigest } from '../../core/digest.ts'
import { WaybillError } from '../../core/error.ts'
import { LIMITS } from '../../core/limits.ts'
import { maybe } from '../../core/maybe.ts'
import { findingOf } from '../../core/verdict.ts'
import { createReadStream, exists, hashFile, readFileBounded } from '../../io/files.ts'
import { type Expectation, expectationFromFlags, judgeImage } from '../../policy/gate.ts'
import { keyFingerprint } from '../../policy/key-file.ts'
import type { Receipt, SubjectReceipt } from '../../report/receipt.ts'
import { loadTrust } from '../../sigstore/trust/load.ts'
import type { TrustRoot } from '../../sigstore/trust/root.ts'
import type { Artifact } from '../../sigstore/verify/artifact.ts'
import { needUnder } from '../../sigstore/verify/need.ts'
import { type VerificationNeed, verifyArtifact } from '../../sigstore/verify/verify.ts'
import { exitCodeOfVerdict } from '../exit-code.ts'
import { showReceipt } from '../show.ts'
import { tufCacheOf } from '../tuf-cache.ts'
import { type CommandLine, command, type Desk, noMore, usage } from './command.ts'

export interface VerifyBundle {
  readonly subject: string
  readonly bundle: string
  readonly certificateIdentity?: string
  readonly certificateOidcIssuer?: string
  readonly key?: string
  readonly trustedRoot?: string
  readonly json: boolean
  readonly quiet: boolean
}

const OPTIONS = {
  quiet: { type: 'boolean' },
  bundle: { type: 'string' },
  'certificate-identity': { type: 'string' },
  'certificate-oidc-issuer': { type: 'string' },
  key: { type: 'string' },
  'trusted-root': { type: 'string' },
  staging: { type: 'boolean' },
} as const

export const verifyBundleCommand = command({
  words: 'verify bundle',
  synopsis: 'verify bundle --bundle FILE (--certificate-identity … | --key …) FILE_OR_DIGEST',
  usage: `waybill verify bundle – whether one Sigstore bundle is a signature of this file by exactly this signer

  waybill verify bundle --bundle FILE (--certificate-identity … | --key …) FILE_OR_DIGEST

FILE_OR_DIGEST is a file, or sha256:<64 hex digits> where no file has that name. The bundle holds an attestation that names
its digest, or a signature over the file's own bytes. Nothing is asked of the network but the trust root.

  --bundle FILE                       the bundle, version 0.1 to 0.3
  --certificate-identity TEXT         exact identity in the certificate, with
  --certificate-oidc-issuer URL         the issuer that vouches for it
  --key FILE                          a public key in PEM, instead of an identity
  --trusted-root FILE                 trust root of an own Sigstore (default: the public instance)
  --staging                           the staging instance of Sigstore; with --trusted-root, as none is built in

How to tell:
  --json                              the result object on stdout, nothing else
  --quiet                             only the exit code; mistakes of the command line still go to stderr

Example:
  waybill verify bundle --bundle app.tar.gz.sigstore.json \\
    --certificate-identity https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main \\
    --certificate-oidc-issuer https://token.actions.githubusercontent.com app.tar.gz
`,
  options: OPTIONS,
  read: readVerifyBundle,
  run: async (wish, desk) => {
    const receipt = await verifyBundleFile(wish, desk)
    showReceipt(receipt, desk, wish)
    return exitCodeOfVerdict(receipt.verdict)
  },
})

/** @throws `entry/usage` for no or several subjects, no bundle, and the staging instance without its root. */
function readVerifyBundle({
  values,
  references,
}: CommandLine<typeof OPTIONS & { json: { type: 'boolean' } }>): VerifyBundle {
  const [subject] = references
  if (subject === undefined)
    throw usage('There is nothing to verify', 'a file, or sha256:<64 hex digits>', 'no subject')
  noMore(references, 'verify bundle', 1)
  if (values.bundle === undefined) throw usage('There is no bundle to verify it with', '--bundle FILE', 'no --bundle')
  const trustedRoot = values['trusted-root']
  if (values.staging === true && trustedRoot === undefined)
    throw usage('The root of the staging instance is not built in', '--staging with --trusted-root FILE', '--staging')
  return {
    subject,
    bundle: values.bundle,
    ...maybe('certificateIdentity', values['certificate-identity']),
    ...maybe('certificateOidcIssuer', values['certificate-oidc-issuer']),
    ...maybe('key', values.key),
    ...maybe('trustedRoot', trustedRoot),
    json: values.json ?? false,
    quiet: values.quiet ?? false,
  }
}

async function verifyBundleFile(wish: VerifyBundle, desk: Desk): Promise<Receipt> {
  const started = performance.now()
  const at = (path: string) => resolve(desk.world.workingFolder, path)
  const key = wish.key === undefined ? undefined : await readFileBounded(at(wish.key), LIMITS.policyFileBytes)
  const expectation = expectationOf(wish, key)
  const artifact = await artifactOf(wish.subject, at)
  const bundle = await readFileBounded(at(wish.bundle), LIMITS.bundleBytes)
  const trust = await trustOf(wish, desk)
  const keys = key === undefined ? {} : { keys: [{ publicKey: Buffer.from(key).toString('utf8') }] }
  const subject = await judge(wish.subject, bundle, artifact, expectation, trust, { ...needUnder(trust), ...keys })
  const verdict = subject.verdict === 'not-asked' ? 'unknown' : subject.verdict
  const ms = Math.round(performance.now() - started)
  return {
    schemaVersion: 1,
    command: 'verify bundle',
    verdict,
    subjects: [subject],
    stages: [{ name: 'judge', state: verdict, ms }],
    attestations: [],
    notChecked: ['What the attestation says about the file: only that this signer made it.'],
    notices: [],
  }
}

function expectationOf(wish: VerifyBundle, key: Uint8Array | undefined): Expectation {
  const { certificateIdentity, certificateOidcIssuer, key: file, trustedRoot } = wish
  return expectationFromFlags({
    ...maybe('certificateIdentity', certificateIdentity),
    ...maybe('certificateOidcIssuer', certificateOidcIssuer),
    ...(key === undefined || file === undefined ? {} : { key: { file, fingerprint: keyFingerprint(key, file) } }),
    ...maybe('trustedRoot', trustedRoot),
  })
}

/** A digest only where no file has that name: who keeps one means the file. */
async function artifactOf(subject: string, at: (path: string) => string): Promise<Artifact> {
  const path = at(subject)
  if (isDigest(subject) && !(await exists(path))) return { digest: subject }
  const { digest } = await hashFile(path)
  return { digest, content: () => createReadStream(path) as AsyncIterable<Uint8Array> }
}

async function trustOf({ trustedRoot }: VerifyBundle, { world, env }: Desk): Promise<TrustRoot> {
  if (trustedRoot === undefined) {
    return loadTrust({ tuf: 'public-good', cacheFolder: tufCacheOf(env, world.workingFolder) })
  }
  const path = resolve(world.workingFolder, trustedRoot)
  return loadTrust({ trustedRootFile: await readFileBounded(path, LIMITS.serviceAnswerBytes) })
}

/** One bundle alone: what is wrong with it is the verdict, not a note beside others. */
async function judge(
  name: string,
  bundle: Uint8Array,
  artifact: Artifact,
  expectation: Expectation,
  trust: TrustRoot,
  need: VerificationNeed,
): Promise<SubjectReceipt> {
  const { digest } = artifact
  try {
    const signed = await verifyArtifact(bundle, artifact, trust, need)
    const context = { rejectedBundles: [], incomplete: false, now: signed.signedAt ?? new Date() }
    const { verdict, findings } = judgeImage({ name, digest }, [signed], expectation, context)
    const proven = verdict.kind === 'passed' ? { basis: verdict.basis, by: verdict.by } : {}
    return { name, digest, verdict: verdict.kind, ...proven, findings }
  } catch (error) {
    if (!(error instanceof WaybillError) || error.kind === 'configuration') throw error
    const finding = findingOf(error, name)
    return { name, digest, verdict: error.kind, findings: [finding] }
  }
}
