import { hexOf } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { parseJsonObject } from '../core/json.ts'
import { printable } from '../core/text.ts'
import { buildStatement } from './build.ts'
import type { Deployment } from './deployment.ts'
import { readDeployment } from './deployment-reader.ts'
import { reading } from './parse.ts'
import type { Statement } from './statement.ts'
import { DEPLOYMENT_PREDICATE } from './uris.ts'

/** `deployment.json` as it is written. @throws `statements/deployment-malformed` for what the reader would refuse */
export function renderDeployment(deployment: Deployment): string {
  return `${JSON.stringify(checked(deployment), null, 2)}\n`
}

/** The bytes of a `deployment.json`. @throws `statements/deployment-malformed` */
export function parseDeployment(bytes: Uint8Array | string): Deployment {
  return readDeployment(reading('statements/deployment-malformed', () => parseJsonObject(bytes, 'deployment')))
}

/**
 * The statement that `waybill serve` signs: subjects are the digests of its images, each once.
 * @throws `statements/deployment-malformed` also without an audience, and without an image: a statement is about something
 */
export function deploymentStatement(deployment: Deployment): Uint8Array {
  requireAudience(deployment)
  const predicate = checked(deployment)
  const [first, ...more] = digestsOf(deployment).map(digest => ({ digest: { sha256: digest } }))
  if (first === undefined) throw refused('at least one image', 'none')
  return buildStatement({ subjects: [first, ...more], predicateType: DEPLOYMENT_PREDICATE, predicate })
}

/**
 * A served document, out of a statement whose signature was verified. Whether its audience, time and signer are the expected
 * ones is the caller's question. @throws `statements/deployment-malformed`
 */
export function readDeploymentStatement({ subject, predicateType, predicate }: Statement): Deployment {
  if (predicateType !== DEPLOYMENT_PREDICATE) throw refused(DEPLOYMENT_PREDICATE, predicateType)
  const deployment = readDeployment(predicate)
  requireAudience(deployment)
  const stated = subject.map(({ digest }) => digest.sha256 ?? 'a subject without sha256').sort()
  const listed = digestsOf(deployment)
  if (stated.join() !== listed.join()) throw refused('as subjects the digests of its images', stated.join(', '))
  return deployment
}

function requireAudience({ audience }: Deployment): void {
  if (audience === undefined) throw refused('the audience it was made for', 'none')
}

/** Hex, sorted, each once: two names of one image are one subject. */
function digestsOf({ images }: Deployment): readonly string[] {
  return [...new Set(images.map(({ digest }) => hexOf(digest)))].sort()
}

/** Fields in the order of the documentation, and nothing that another reader would refuse. */
function checked(deployment: Deployment): JsonObject {
  const plain = JSON.parse(JSON.stringify(deployment)) as Json
  return JSON.parse(JSON.stringify(readDeployment(plain))) as JsonObject
}

function refused(expected: string, found: string): Error {
  return fail('statements/deployment-malformed', 'The document about what runs is malformed', {
    expected,
    found: printable(found, 200) || 'nothing',
  })
}
