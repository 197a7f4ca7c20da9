import type { Builder } from '../build/builder.ts'
import { together } from '../core/together.ts'
import { checkAttachable } from '../registry/attachable.ts'
import type { Repository } from '../registry/reference.ts'
import type { RunClaims } from '../statements/claims.ts'
import { requireOwnNames } from '../statements/uris.ts'
import type { FileSigner, FileToAttest } from './attest-file.ts'
import type { AttestPorts, AttestRequest, ImageKey, RunIdentity } from './attest-request.ts'
import { findWorkspaceFiles } from './files-stage.ts'
import type { RunRecord } from './run.ts'
import { readSbom, type SbomDocument } from './sbom-document.ts'

export interface Ready {
  readonly builder: Builder
  /** Files to sign; empty when none are, or nothing is signed. */
  readonly files: readonly FileToAttest[]
  /** Signs them in place of the run's identity. */
  readonly fileSigner?: FileSigner
  /** Present when something will be signed by the run's identity. */
  readonly identity?: RunIdentity
  /** Present when the image will be signed with a key in its place. */
  readonly imageKey?: ImageKey
  /** The file of the input `sbom`, read. */
  readonly sbom?: SbomDocument
}

/** What is known of the run, by its token or by the word of whoever holds the key; undefined when nothing is signed. */
export function claimsOf({ identity, imageKey }: Ready): RunClaims | undefined {
  return identity?.claims ?? imageKey?.claims
}

/** What is read and written side by side at first: image, shared blob, bundles. */
const CONNECTIONS = 4

/**
 * Proves before anything happens that the run can end: identity, permission to write, tools. The checks run side by
 * side; of several failures the first in this order is told.
 */
export function preflight(request: AttestRequest, ports: AttestPorts, record: RunRecord): Promise<Ready> {
  return record.stages.run('preflight', undefined, async () => {
    if (request.unsignedBecause !== undefined) record.notices.push(request.unsignedBecause)
    // Before anything else: a certificate is public for ever, and it is asked for while the image is read.
    if (request.sign) requireOwnNames(request.release)
    const repositories = request.imageless ? [] : request.repositories
    for (const repository of request.sign ? repositories : []) ports.registry.warm(repository, CONNECTIONS)
    const files = request.sign ? request.files : undefined
    const keyed = request.keyed !== undefined || files?.keyed === true
    const [identity, imageKey, builder, found, fileSigner, sbom] = await together([
      request.sign && !keyed ? identify(ports) : Promise.resolve(undefined),
      request.sign && request.keyed !== undefined ? openKey(ports) : Promise.resolve(undefined),
      request.imageless ? Promise.resolve(NOTHING_TO_BUILD) : ports.builder(),
      files === undefined ? Promise.resolve([]) : findWorkspaceFiles(files, ports),
      files?.keyed === true ? ports.files.keySigner() : Promise.resolve(undefined),
      request.sign && request.sbom?.kind === 'file' ? readSbomFile(ports) : Promise.resolve(undefined),
      ...repositories.map(repository => (request.push ? ports.registry.checkPush(repository) : undefined)),
      ...repositories.map(repository => attachable(request, ports, repository)),
      ...(files?.repository === undefined ? [] : [ports.registry.checkPush(files.repository)]),
    ] as const)
    return {
      state: 'passed',
      value: {
        builder,
        files: found,
        ...(identity === undefined ? {} : { identity }),
        ...(imageKey === undefined ? {} : { imageKey }),
        ...(fileSigner === undefined ? {} : { fileSigner }),
        ...(sbom === undefined ? {} : { sbom }),
      },
    }
  })
}

const NOTHING_TO_BUILD: Builder = {
  name: 'none',
  build: () => Promise.reject(new TypeError('a run for files alone builds nothing')),
}

/** Of an image that was built elsewhere the digest is known by now, and with it where bundles will be listed. */
function attachable(
  { sign, push, given, legacySignatures: legacy = false }: AttestRequest,
  { registry }: AttestPorts,
  repository: Repository,
): Promise<void> | undefined {
  if (!sign || !push || given.digest === undefined) return undefined
  return checkAttachable(registry, repository, given.digest, { legacy })
}

async function readSbomFile(ports: AttestPorts): Promise<SbomDocument> {
  if (ports.sbom === undefined) throw new TypeError('a bill of materials without its file')
  return readSbom(await ports.sbom())
}

async function openKey(ports: AttestPorts): Promise<ImageKey> {
  if (ports.imageKey === undefined) throw new TypeError('a keyed run without a key')
  const key = await ports.imageKey()
  await ports.verifier() // what will be read back can be judged
  return key
}

/** The private-repository guard comes before any certificate is asked for, with the token's own word (13-adversary 23). */
async function identify(ports: AttestPorts): Promise<RunIdentity> {
  const identity = await ports.identity()
  await ports.guardTransparency(identity)
  await ports.session() // connections to the services are open by the time they are asked
  await ports.verifier() // what will be read back can be judged
  return identity
}
