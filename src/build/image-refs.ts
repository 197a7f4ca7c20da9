import { decodeUtf8 } from '../core/bytes.ts'
import { type Digest, isDigest } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { isObject, type JsonObject, parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import { formatReference, parseReference, repositoryOf } from '../registry/reference.ts'

/** An image as a tool that made it names it. */
export interface ImageRef {
  /** `host/path` in canonical form; absent: the tool wrote a digest alone. */
  readonly repository?: string
  readonly digest: Digest
}

/**
 * Reads what build tools write about the image that they pushed:
 *
 *     ko --image-refs, apko --image-refs   repository[:tag]@sha256:…, one a line, the index and each of its manifests
 *     jib  target/jib-image.json           {"image": "repository:tag", "imageDigest": "sha256:…", "imagePushed": true, …}
 *     jib  target/jib-image.digest, rules_oci :image.digest, skopeo --digestfile   sha256:… and nothing else
 *
 * @returns each image once, in the order written; at least one. @throws `build/image-refs-malformed`
 */
export function parseImageRefs(bytes: Uint8Array): readonly [ImageRef, ...ImageRef[]] {
  const text = decodeUtf8(bytes)?.trim()
  if (text === undefined) throw malformed('text in UTF-8', 'other bytes')
  const refs = text.startsWith('{') ? [fromJib(text)] : fromLines(text)
  const unique = new Map(refs.map(ref => [`${ref.repository ?? ''}@${ref.digest}`, ref]))
  const [first, ...more] = unique.values()
  if (first === undefined) throw malformed('repository@sha256:… on the first line', 'an empty file')
  return [first, ...more]
}

function fromLines(text: string): readonly ImageRef[] {
  const lines = text
    .split(/\r\n|\r|\n/)
    .map(line => line.trim())
    .filter(line => line !== '')
  if (lines.length > LIMITS.imageRefs) throw malformed(`at most ${LIMITS.imageRefs} lines`, `${lines.length} lines`)
  if (lines.length === 1 && isDigest(lines[0])) return [{ digest: lines[0] }]
  return lines.map(line => {
    const { digest, ...named } = referenceIn(line)
    if (digest === undefined) throw malformed('repository@sha256:… on each line', line)
    return { repository: formatReference(repositoryOf(named)), digest }
  })
}

/** Source: jib-plugins-common `ImageMetadataOutput`, whose fields these are. */
function fromJib(text: string): ImageRef {
  const json = jsonIn(text)
  const { image, imageDigest, imagePushed } = json
  if (typeof image !== 'string' || !isDigest(imageDigest))
    throw malformed('the fields image and imageDigest', Object.keys(json).slice(0, 10).join(', '))
  if (imagePushed === false) throw malformed('imagePushed: true', 'imagePushed: false')
  return { repository: formatReference(repositoryOf(referenceIn(image))), digest: imageDigest }
}

function jsonIn(text: string): JsonObject {
  try {
    const json = parseJsonObject(text, 'image-refs')
    if (isObject(json)) return json
  } catch (error) {
    throw malformed('a JSON object', asWaybillError(error).message)
  }
  throw malformed('a JSON object', 'other JSON')
}

function referenceIn(text: string): ReturnType<typeof parseReference> {
  try {
    return parseReference(text)
  } catch {
    throw malformed('repository@sha256:… on each line', text)
  }
}

function malformed(expected: string, found: string): Error {
  return fail('build/image-refs-malformed', 'The file of image-refs names no image', {
    expected,
    found: printable(found, 300),
  })
}
