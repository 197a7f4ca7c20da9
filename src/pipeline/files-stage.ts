import type { WaybillError } from '../core/error.ts'
import { type Expectation, expectationFromFlags } from '../policy/gate.ts'
import { pushFileBundles } from '../registry/file-bundles.ts'
import { formatReference } from '../registry/reference.ts'
import type { AttestationReceipt } from '../report/receipt.ts'
import { assertCertificateMatchesClaims } from '../sigstore/sign/claims.ts'
import type { RunClaims } from '../statements/claims.ts'
import { fileStatement, fileSubject, type NamedFile } from '../statements/file.ts'
import { provenanceStatement } from '../statements/provenance.ts'
import { COSIGN_SIGN_PREDICATE } from '../statements/statement.ts'
import {
  type AttestedFile,
  type AttestFilesPorts,
  type AttestFilesRequest,
  attestFiles,
  BUNDLE_SUFFIX,
  type FileOutcome,
  type FileToAttest,
} from './attest-file.ts'
import type { AttestPorts, AttestRequest, FilesRequest } from './attest-request.ts'
import type { Ready } from './preflight.ts'
import type { RunRecord } from './run.ts'
import type { SourceOutcome } from './source-stage.ts'

/** The files that the patterns name; bundles of an earlier attempt that lie beside them are none of them. */
export async function findWorkspaceFiles(
  { patterns }: FilesRequest,
  { files }: Pick<AttestPorts, 'files'>,
): Promise<readonly FileToAttest[]> {
  const found = (await files.find(patterns)).map(({ path, name }) => ({
    path,
    name,
    bundle: `${path}${BUNDLE_SUFFIX}`,
  }))
  const bundles = new Set(found.map(({ bundle }) => bundle))
  return found.filter(({ path }) => !bundles.has(path))
}

interface FilesInput {
  readonly ready: Ready
  readonly source: SourceOutcome
}

/**
 * Signs the files of the workspace, each bundle beside its file and in the run's folder. Waybill did not build them, so what
 * the run states of them is `recorded/v1` and the commit a claim (13-adversary 15); with a key nothing is stated but the
 * signature, because no token vouches for a run then.
 */
export async function signFiles(
  request: AttestRequest,
  ports: AttestPorts,
  input: FilesInput,
  record: RunRecord,
): Promise<void> {
  if (request.imageless) for (const stage of IMAGE_STAGES) record.stages.notAsked(stage)
  const { files } = request
  if (files === undefined) return
  if (!request.sign) return record.stages.notAsked('files')
  await record.stages.run('files', undefined, async () => {
    const outcomes = await attestFiles(
      await requestOf(request, ports, input, record),
      await portsOf(files, ports, input),
    )
    const attested = outcomes.flatMap(({ file }) => file ?? [])
    for (const { name, bundleBytes } of attested) await ports.keep(`bundles/files/${name}${BUNDLE_SUFFIX}`, bundleBytes)
    record.attestations = [...record.attestations, ...attested.map(receiptOf)]
    record.notices.push(...noticesOf(attested, input))
    const error = worstOf(outcomes)
    if (error !== undefined) throw error
    return { state: 'passed', value: undefined }
  })
}

const IMAGE_STAGES = ['build', 'digest', 'sign', 'publish', 'self-verify', 'tags'] as const

async function requestOf(
  request: AttestRequest,
  ports: AttestPorts,
  { ready, source }: FilesInput,
  record: RunRecord,
): Promise<AttestFilesRequest> {
  const { files, identity, fileSigner } = ready
  if (fileSigner !== undefined)
    return { files, statement: file => fileStatement(file), expectation: fileSigner.expectation(COSIGN_SIGN_PREDICATE) }
  if (identity === undefined) throw new TypeError('files without a signer')
  const signer = await (await ports.session()).certificate()
  assertCertificateMatchesClaims(signer, identity.certified, request.serverUrl)
  record.identity = { san: signer.san.value, issuer: signer.issuer }
  const expectation: Expectation = {
    ...expectationFromFlags({
      certificateIdentity: signer.san.value,
      certificateOidcIssuer: signer.issuer,
      require: ['signature', 'provenance'],
    }),
    builders: ['none'],
    commit: source.commit.id,
  }
  const at = ports.now()
  return { files, statement: file => recordedFile(file, request, source, identity.claims, at), expectation }
}

function recordedFile(
  file: NamedFile,
  request: AttestRequest,
  source: SourceOutcome,
  claims: RunClaims,
  at: Date,
): Uint8Array {
  return provenanceStatement({
    subjects: [fileSubject(file)],
    builder: 'none',
    claims,
    serverUrl: request.serverUrl,
    commit: { id: source.commit.id, ...(source.foundOnRef ? { ref: request.source.ref } : {}) },
    source: source.claim,
    materials: { mode: 'off', verdict: 'not-asked' },
    inputs: {},
    ...(request.dispatchInputs === undefined ? {} : { dispatchInputs: request.dispatchInputs }),
    tools: [],
    waybillVersion: request.waybillVersion,
    startedOn: at,
    finishedOn: at,
  })
}

async function portsOf(
  { repository }: FilesRequest,
  ports: AttestPorts,
  { ready: { fileSigner } }: FilesInput,
): Promise<AttestFilesPorts> {
  const { hash, present, write } = ports.files
  const store: Pick<AttestFilesPorts, 'publish'> =
    repository === undefined
      ? {}
      : {
          publish: async (digest, bundle) => {
            const { tag } = await pushFileBundles(ports.registry, repository, digest, [bundle])
            return formatReference({ ...repository, tag })
          },
        }
  const common = { hash, present, write, now: ports.now(), ...store }
  if (fileSigner !== undefined) return { ...common, sign: fileSigner.sign, verify: fileSigner.verify }
  const session = await ports.session()
  return { ...common, sign: statement => session.sign(statement), verify: await ports.verifier() }
}

function receiptOf({ name, digest, bundle, signed, stored }: AttestedFile): AttestationReceipt {
  const { statement, log } = signed
  return {
    predicateType: statement.predicateType,
    subject: digest,
    bundle,
    ...(log === undefined ? {} : { log }),
    stored: [`beside ${name}`, ...(stored === undefined ? [] : [stored])],
  }
}

function noticesOf(files: readonly AttestedFile[], { ready: { fileSigner } }: FilesInput): readonly string[] {
  const kept = files.filter(({ state }) => state === 'kept').length
  return [
    ...files.flatMap(({ name, notes }) => notes.map(note => `${name}: ${note}`)),
    ...(kept === 0 ? [] : [`${kept} files were signed already, by this run’s signer, and were not signed again.`]),
    ...(fileSigner === undefined ? [] : ['Files are signed with a key: their bundles say nothing about this run.']),
    ...(fileSigner?.unwitnessed === true
      ? ['No service has seen the signatures of the files, so nobody can tell when they were made.']
      : []),
  ]
}

/** What was checked and bad tells most; files that are fine have their bundles by then. */
function worstOf(outcomes: readonly FileOutcome[]): WaybillError | undefined {
  const errors = outcomes.flatMap(({ error }) => error ?? [])
  return errors.find(({ kind }) => kind === 'rejected') ?? errors.find(({ kind }) => kind === 'unknown') ?? errors[0]
}
