import type { Digest } from '../core/digest.ts'
import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { inParallel } from '../core/parallel.ts'
import type { ObservedSigner } from '../core/signer.ts'
import type { Verified } from '../core/verified.ts'
import { type Expectation, judgeImage } from '../policy/gate.ts'
import { observedText } from '../policy/signer.ts'
import type { WitnessedBundle } from '../sigstore/sign/witness.ts'
import type { NamedFile } from '../statements/file.ts'
import { parseStatement } from '../statements/parse.ts'
import type { SignedStatement } from '../statements/statement.ts'
import { judgePresent } from './attest-file-present.ts'
import { errorOf } from './run.ts'
import type { VerifyBundle } from './verify-request.ts'

/** Who signs files here, and how what was signed is checked by whoever expects this signer. */
export interface FileSigner {
  readonly signer: ObservedSigner
  /** True when nobody but this machine has seen the signatures. */
  readonly unwitnessed: boolean
  sign(statement: Uint8Array): Promise<WitnessedBundle>
  readonly verify: VerifyBundle
  /** What a gate would be told to expect: exactly this signer, and a statement of this type. */
  expectation(predicateType: string): Expectation
}

/** Beside the file. */
export const BUNDLE_SUFFIX = '.sigstore.json'

/** A file on disk and where its bundle goes. Paths are absolute. */
export interface FileToAttest {
  readonly path: string
  /** As the statement and whoever asked name it. */
  readonly name: string
  readonly bundle: string
}

export interface AttestFilesRequest {
  readonly files: readonly FileToAttest[]
  /** The statement's bytes about one file; each file has its own, so that each bundle stands alone. */
  statement(file: NamedFile): Uint8Array
  /** What the gate must find in each bundle: who signs here, and what the statement proves. */
  readonly expectation: Expectation
}

/** All that attesting files may ask of the world. Safe to call concurrently. */
export interface AttestFilesPorts {
  /** SHA-256 of the file's bytes, streamed. */
  hash(path: string): Promise<Digest>
  /** Bytes of what lies there, bounded; undefined when there is nothing. */
  present(path: string): Promise<Uint8Array | undefined>
  /** The whole file or nothing. */
  write(path: string, bytes: Uint8Array): Promise<void>
  sign(statement: Uint8Array): Promise<WitnessedBundle>
  /** The gate's own check, loaded before anything is signed. */
  readonly verify: VerifyBundle
  /** Keeps the bundle where its file's digest finds it, and says where; absent: nowhere. */
  publish?(file: Digest, bundle: Uint8Array): Promise<string>
  readonly now: Date
}

export interface AttestedFile {
  readonly name: string
  readonly digest: Digest
  /** Where the bundle lies. */
  readonly bundle: string
  readonly bundleBytes: Uint8Array
  /** `kept`: an equal one lay there and verifies, so nothing was signed. */
  readonly state: 'signed' | 'kept'
  readonly signed: Verified<SignedStatement>
  readonly by: string
  /** Where it is kept besides. */
  readonly stored?: string
  readonly notes: readonly string[]
}

/** What came of one file. With both, the bundle exists and something after it failed. */
export interface FileOutcome {
  readonly name: string
  readonly file?: AttestedFile
  readonly error?: WaybillError
}

/** Files hashed and signed at the same time. */
const PARALLEL_FILES = 8

/** Attests every file on its own: one that fails never hides or stops another. */
export function attestFiles(request: AttestFilesRequest, ports: AttestFilesPorts): Promise<readonly FileOutcome[]> {
  return inParallel(request.files, PARALLEL_FILES, async file => {
    const { name } = file
    try {
      return await published(await attestFile(file, request, ports), ports)
    } catch (error) {
      return { name, error: asWaybillError(error) }
    }
  })
}

async function attestFile(
  { path, name, bundle }: FileToAttest,
  { statement, expectation }: AttestFilesRequest,
  ports: AttestFilesPorts,
): Promise<AttestedFile> {
  const digest = await ports.hash(path)
  const bytes = statement({ name, digest })
  const wanted = { path: bundle, digest, statement: parseStatement(bytes), signer: expectation.build }
  const before = await ports.present(bundle)
  const found = judgePresent(before, wanted, ports.verify)
  const about = { name, digest, bundle }
  if (found.kind === 'equal' && before !== undefined) {
    const by = proved(name, digest, found.signed, expectation, ports.now)
    return { ...about, bundleBytes: before, state: 'kept', signed: found.signed, by, notes: [] }
  }
  const { bundle: made } = await ports.sign(bytes)
  // Before it is written, so that what does not pass the gate never takes the place of what does.
  const signed = ports.verify(made)
  const by = proved(name, digest, signed, expectation, ports.now)
  await ports.write(bundle, made)
  const notes = found.kind === 'outdated' ? [found.why] : []
  return { ...about, bundleBytes: made, state: 'signed', signed, by, notes }
}

/** @returns the signer in words. @throws the gate's own finding when the statement does not prove what it was made for. */
function proved(
  name: string,
  digest: Digest,
  signed: Verified<SignedStatement>,
  expectation: Expectation,
  now: Date,
): string {
  const context = { rejectedBundles: [], incomplete: false, now }
  const { verdict } = judgeImage({ name, digest }, [signed], expectation, context)
  if (verdict.kind === 'unknown') throw verdict.cause
  if (verdict.kind === 'rejected') throw errorOf(verdict.findings[0], 'rejected')
  return observedText(signed.signer)
}

/** The bundle exists already: what fails here is told beside it. */
async function published(file: AttestedFile, { publish }: AttestFilesPorts): Promise<FileOutcome> {
  const { name, digest, bundleBytes } = file
  if (publish === undefined) return { name, file }
  try {
    return { name, file: { ...file, stored: await publish(digest, bundleBytes) } }
  } catch (error) {
    return { name, file, error: asWaybillError(error) }
  }
}

/** Nothing is signed when two files would have one bundle, or one file two. @throws `pipeline/bundle-present` */
export function requireDistinct(files: readonly FileToAttest[]): void {
  const seen = new Map<string, string>()
  for (const { name, bundle } of files) {
    const other = seen.get(bundle)
    if (other !== undefined)
      throw fail('pipeline/bundle-present', `${name} and ${other} would have the same bundle`, {
        expected: 'a bundle for each file',
        found: bundle,
        remedy: 'Name each file once, and attest files of the same name in two calls with different folders.',
      })
    seen.set(bundle, name)
  }
}
