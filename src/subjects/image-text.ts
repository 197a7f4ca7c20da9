import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { parseReference, type Reference } from '../registry/reference.ts'
import type { Place } from './place.ts'
import { RENDER_FIRST } from './yaml-text.ts'

/** What programs that fill in values leave in their templates: Helm and Argo, shells and Flux, Kubernetes and Tekton, ERB, Jsonnet. */
const TEMPLATE = /\{\{|\$\{|\$\(|<%|\[\[|%\(|\$[A-Z_]/
/** An image that the machine itself holds; it has no registry, and no evidence hangs on it. */
const IMAGE_ID = /^(?:sha256:[0-9a-fA-F]*|[0-9a-f]{12,64})$/

/**
 * Reads what stands where an image stands. Two characters of difference are two images, so nothing is trimmed or guessed.
 * @throws `verify/unexamined-image` naming file, line and JSON path: a template, an image id, no reference at all.
 */
export function readImageText(text: string, place: Place): Reference {
  const shown = printable(text, 200)
  if (text === '') throw unexamined(place, 'the image is empty', 'an image', undefined, WRITE_REFERENCE)
  if (TEMPLATE.test(text))
    throw unexamined(place, 'a program still has to fill something in', 'an image', shown, RENDER_FIRST)
  if (IMAGE_ID.test(text))
    throw unexamined(place, 'that is the id of an image on one machine', 'a name', shown, WRITE_REFERENCE)
  try {
    return parseReference(text)
  } catch (error) {
    const { found } = asWaybillError(error)
    throw unexamined(place, found ?? 'no image reference', 'host/repository[:tag][@sha256:…]', shown, WRITE_REFERENCE)
  }
}

/** The place could hold an image that nobody looked at. `found` is shown as it is: make it printable first. */
export function unexamined(
  place: Place,
  sentence: string,
  expected: string,
  found: string | undefined,
  remedy?: string,
): WaybillError {
  return fail('verify/unexamined-image', `${placeText(place)}: ${sentence}`, {
    expected,
    ...(found === undefined ? {} : { found }),
    ...(remedy === undefined ? {} : { remedy }),
  })
}

/** `file:line path`, with the number of the document where there are several; `namespace/pod path` in a cluster. */
export function placeText(place: Place): string {
  if (place.pod === true) return `${printable(place.file)} ${printable(place.path, 400)}`
  const document = place.document > 1 ? ` (document ${place.document})` : ''
  return `${printable(place.file)}:${place.line}${document} ${printable(place.path, 400)}`.trimEnd()
}

/**
 * True when a text names one image and not a whole repository. A key's name alone says that it is an image, and many
 * controllers put a tag of their own behind what stands there: then `latest` would be judged and something else deployed.
 */
export function namesOneImage(text: string): boolean {
  return text === '' || text.includes('@') || text.lastIndexOf(':') > text.lastIndexOf('/') || TEMPLATE.test(text)
}

const WRITE_REFERENCE = 'Write the image as host/repository:tag@sha256:<64 hex>, or as host/repository:tag.'
