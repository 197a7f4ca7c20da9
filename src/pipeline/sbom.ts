import { generatorOf } from '../build/buildx-arguments.ts'
import { type Digest, hexOf } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { isSbom } from '../policy/sbom.ts'
import { attestationsOf, readAttestationManifest } from '../registry/attestation-manifest.ts'
import type { PlatformManifest } from '../registry/image.ts'
import { buildStatement } from '../statements/build.ts'
import { parseUnsignedStatement } from '../statements/parse.ts'
import type { Subject } from '../statements/statement.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import type { Built } from './build-stage.ts'
import type { ServedImage } from './digest-stage.ts'
import type { Document } from './kept-statements.ts'
import type { Ready } from './preflight.ts'
import type { RunRecord } from './run.ts'
import { type SbomDocument, sbomOf } from './sbom-document.ts'

type Subjects = readonly [Subject, ...Subject[]]

interface SbomInput {
  readonly ready: Ready
  readonly built: Built
  readonly image: ServedImage
}

/**
 * The statements about what is in the image: one of the file that the input names, or for each platform what the builder left beside
 * it. Where the builder left none, the summary says why.
 * @throws `pipeline/sbom-other-image`
 */
export async function sbomStatements(
  request: AttestRequest,
  ports: AttestPorts,
  { ready, built, image }: SbomInput,
  subjects: Subjects,
  record: RunRecord,
): Promise<readonly Document[]> {
  if (ready.sbom !== undefined) return [await fileStatement(ports, ready.sbom, image, subjects)]
  if (request.sbom?.kind !== 'auto') return []
  return builderStatements(request, ports, { built, image }, subjects, record)
}

/** About the platforms that it names; about the whole image, if it names that or nothing. */
async function fileStatement(
  ports: AttestPorts,
  { predicateType, predicate, names }: SbomDocument,
  image: ServedImage,
  subjects: Subjects,
): Promise<Document> {
  const { digest } = image.descriptor
  if (names.size === 0 || names.has(digest)) return statement('sbom', predicateType, predicate, subjects)
  const named = await namedPlatforms(ports, image, names)
  const [first, ...more] = subjects.filter(subject => named.some(one => subject.digest.sha256 === hexOf(one)))
  if (first !== undefined) return statement('sbom', predicateType, predicate, [first, ...more])
  throw fail('pipeline/sbom-other-image', 'The bill of materials is about another image', {
    expected: [...new Set([digest, ...image.platforms.map(platform => platform.digest)])].join(', '),
    found: [...names].slice(0, 5).join(', '),
  })
}

/** Tools name an image by its manifest or, as its id, by its config. */
async function namedPlatforms(
  { registry }: AttestPorts,
  { platforms, repositories: [repository] }: ServedImage,
  names: ReadonlySet<Digest>,
): Promise<readonly Digest[]> {
  const direct = platforms.filter(({ digest }) => names.has(digest))
  if (direct.length > 0) return direct.map(({ digest }) => digest)
  const read = await Promise.all(platforms.map(({ digest }) => registry.getManifest(repository, digest)))
  return read.flatMap(({ descriptor, manifest }) =>
    manifest.kind === 'image' && names.has(manifest.config.digest) ? [descriptor.digest] : [],
  )
}

async function builderStatements(
  request: AttestRequest,
  ports: AttestPorts,
  { built, image }: Omit<SbomInput, 'ready'>,
  subjects: Subjects,
  record: RunRecord,
): Promise<readonly Document[]> {
  const platforms = [...new Map(image.platforms.map(platform => [platform.digest, platform])).values()]
  const found = await Promise.all(
    platforms.map(async platform => {
      const [subject] = subjects.filter(one => one.digest.sha256 === hexOf(platform.digest))
      const left = await leftBeside(ports, image, platform)
      if (typeof left === 'string' || subject === undefined) return { platform, why: left }
      const name = `sbom-${platform.platform.replaceAll(/[^a-z0-9]/g, '-')}-${hexOf(platform.digest).slice(0, 12)}`
      return { platform, made: statement(name, left.predicateType, left.predicate, [subject]) }
    }),
  )
  const lacking = found.flatMap(({ platform, why }) =>
    typeof why === 'string' ? [`${platform.platform}: ${why}`] : [],
  )
  if (lacking.length > 0)
    record.notices.push(
      `No bill of materials of the builder was signed for ${lacking.join('; ')}.${because(request, built)}`,
    )
  return found.flatMap(({ made }) => (made === undefined ? [] : [made]))
}

/** Why the builder was not even asked. */
function because({ build }: AttestRequest, { result, materials }: Built): string {
  const { allowed } = materials
  if (result.builder !== 'buildx' || build.sbom !== true || allowed === undefined) return ''
  if (generatorOf(allowed) !== undefined) return ''
  return ' buildx was not asked for one: its generator is an image, and nothing may enter this build but what was verified. Declare that image in the materials manifest with use: {sbom-generator: true}, or name a file in sbom.'
}

/**
 * What BuildKit left beside one platform, read by digests from the index on. The statement itself must name the platform's manifest:
 * the annotations by which it is found are not about its content.
 * @returns why there is none.
 */
async function leftBeside(
  { registry }: AttestPorts,
  { descriptor, kind, repositories: [repository] }: ServedImage,
  { digest }: PlatformManifest,
): Promise<SbomDocument | string> {
  if (kind === 'image') return 'the image is one manifest, beside which a builder leaves nothing'
  const { manifest } = await registry.getManifest(repository, descriptor.digest)
  const entries = manifest.kind === 'index' ? attestationsOf(manifest, digest) : []
  let why = 'the index lists no attestation manifest'
  for (const entry of entries) {
    try {
      const wanted = (type: string) => isSbom({ predicateType: type })
      const { statements } = await readAttestationManifest(registry, repository, entry, digest, wanted, false)
      for (const bytes of statements) {
        const { subject, predicateType, predicate } = parseUnsignedStatement(bytes)
        if (!isSbom({ predicateType })) why = `a statement of another type (${predicateType})`
        else if (subject.some(one => one.digest.sha256 === hexOf(digest))) return sbomOf(predicate)
        else why = 'the statement is about another manifest'
      }
    } catch (error) {
      const known = asWaybillError(error)
      if (!TOLD.test(known.code)) throw error
      why = `${known.message} (${known.found ?? known.code})`
    }
  }
  return why
}

/** What is wrong with what the builder left; not what is wrong with the registry. */
const TOLD = /^(?:registry\/attestation-unusable|pipeline\/sbom-unusable|statements\/.*|core\/shape)$/

function statement(
  name: string,
  predicateType: string,
  predicate: SbomDocument['predicate'],
  subjects: Subjects,
): Document {
  return { name, predicateType, statement: buildStatement({ subjects, predicateType, predicate }) }
}
