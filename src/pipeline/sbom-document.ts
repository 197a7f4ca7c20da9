import { type Digest, isDigest, sha256 } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { isObject, type Json, type JsonObject, parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'

/** in-toto attestation framework, predicates SPDX and CycloneDX. */
const SPDX = 'https://spdx.dev/Document'
const CYCLONEDX = 'https://cyclonedx.org/bom'

export interface SbomDocument {
  readonly predicateType: typeof SPDX | typeof CYCLONEDX
  readonly predicate: JsonObject
  /** Digests by which it names the image that it was made of: of an index, a manifest, a config. Empty: it names none. */
  readonly names: ReadonlySet<Digest>
  /** Of the file, where it was one. */
  readonly digest?: Digest
}

/**
 * Reads a software bill of materials in JSON: SPDX 2 (§ 6, `spdxVersion`, `SPDXID`, `creationInfo`) or CycloneDX 1 (`bomFormat`,
 * `specVersion`). What it lists is a claim of the tool that wrote it, and not judged.
 * @throws `pipeline/sbom-unusable`
 */
export function readSbom(bytes: Uint8Array): SbomDocument {
  if (bytes.byteLength > LIMITS.predicateBytes)
    throw unusable(`at most ${LIMITS.predicateBytes} bytes`, `${bytes.byteLength} bytes`)
  try {
    return { ...sbomOf(parseJsonObject(bytes, 'bill of materials')), digest: sha256(bytes) }
  } catch (error) {
    const known = asWaybillError(error)
    if (known.code !== 'core/json-malformed') throw error
    throw unusable('one JSON document, SPDX 2 or CycloneDX', known.found ?? 'no JSON', known)
  }
}

/** @throws `pipeline/sbom-unusable` */
export function sbomOf(document: JsonObject): SbomDocument {
  const { spdxVersion, bomFormat } = document
  if (spdxVersion !== undefined && bomFormat !== undefined) throw unusable('one format', 'spdxVersion and bomFormat')
  if (bomFormat === 'CycloneDX') return cyclonedx(document)
  if (typeof spdxVersion === 'string' && /^SPDX-2\.\d{1,2}$/.test(spdxVersion)) return spdx(document)
  const version = typeof spdxVersion === 'string' ? spdxVersion : undefined
  const found = version ?? (document['@graph'] === undefined ? Object.keys(document).slice(0, 10).join(', ') : 'SPDX 3')
  throw unusable('spdxVersion: SPDX-2.…, or bomFormat: CycloneDX', found || 'an empty document')
}

function spdx(document: JsonObject): SbomDocument {
  const { SPDXID, creationInfo } = document
  if (SPDXID !== 'SPDXRef-DOCUMENT' || !isObject(creationInfo))
    throw unusable('SPDXID: SPDXRef-DOCUMENT, and creationInfo', 'an SPDX document without them')
  const roots = described(document)
  const packages = list(document.packages).filter(one => typeof one.SPDXID === 'string' && roots.has(one.SPDXID))
  const texts = packages.flatMap(one => {
    const { name, versionInfo, checksums, externalRefs, primaryPackagePurpose } = one
    const places = list(externalRefs).map(({ referenceLocator }) => referenceLocator)
    if (primaryPackagePurpose !== 'CONTAINER') return onlyImages([name, ...places])
    const sums = list(checksums).filter(({ algorithm }) => algorithm === 'SHA256')
    return [name, versionInfo, ...places, ...sums.map(({ checksumValue }) => `sha256:${String(checksumValue)}`)]
  })
  return { predicateType: SPDX, predicate: document, names: digestsIn(texts) }
}

/** SPDX 2.3 § 11.1: what the document is about. */
function described({ documentDescribes, relationships }: JsonObject): ReadonlySet<Json> {
  const listed = Array.isArray(documentDescribes) ? (documentDescribes as readonly Json[]) : []
  const related = list(relationships).flatMap(
    ({ spdxElementId: from, relationshipType: type, relatedSpdxElement: to }) => {
      if (type === 'DESCRIBES' && from === 'SPDXRef-DOCUMENT') return [to]
      return type === 'DESCRIBED_BY' && to === 'SPDXRef-DOCUMENT' ? [from] : []
    },
  )
  return new Set([...listed, ...related].filter(id => typeof id === 'string'))
}

function cyclonedx(document: JsonObject): SbomDocument {
  const { specVersion, metadata } = document
  if (typeof specVersion !== 'string' || !/^1\.\d{1,2}$/.test(specVersion))
    throw unusable('specVersion: 1.…', typeof specVersion === 'string' ? specVersion : 'no specVersion')
  const component = isObject(metadata) && isObject(metadata.component) ? metadata.component : {}
  const { type, name, version, purl, hashes, properties, 'bom-ref': reference } = component
  const sums = list(hashes).filter(({ alg }) => alg === 'SHA-256')
  const texts =
    type === 'container'
      ? [
          ...[name, version, purl, reference],
          ...list(properties).map(({ value }) => value),
          ...sums.map(({ content }) => `sha256:${String(content)}`),
        ]
      : onlyImages([name, purl])
  return { predicateType: CYCLONEDX, predicate: document, names: digestsIn(texts) }
}

/** Of something that is no image a digest may be that of a file: only a reference or the URL of an image names one. */
function onlyImages(texts: readonly (Json | undefined)[]): readonly (Json | undefined)[] {
  return texts.filter(text => typeof text === 'string' && (/^pkg:(?:oci|docker)\//.test(text) || /@sha256:/.test(text)))
}

function digestsIn(texts: readonly (Json | undefined)[]): ReadonlySet<Digest> {
  const found = texts.flatMap(text =>
    typeof text === 'string'
      ? [...text.matchAll(/sha256(?::|%3a)([0-9a-f]{64})(?![0-9a-f])/gi)].map(([, hex = '']) => hex.toLowerCase())
      : [],
  )
  return new Set(found.map(hex => `sha256:${hex}`).filter(isDigest))
}

function list(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? (value as readonly Json[]).filter(isObject) : []
}

function unusable(expected: string, found: string, cause?: unknown): Error {
  return fail('pipeline/sbom-unusable', 'The bill of materials cannot be signed', {
    expected,
    found,
    ...(cause === undefined ? {} : { cause }),
  })
}
