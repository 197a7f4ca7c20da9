import { type Digest, isDigest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { type Json, type JsonObject, parseJson } from '../core/json.ts'
import { arrayAt, objectAt, optional, stringAt } from '../core/shape.ts'
import { isPrintable } from '../core/text.ts'
import { OWN_URI_BASE } from '../statements/uris.ts'

/**
 * Names that Waybill reads and writes in Kubernetes objects hang on the home of its URIs (13-adversary 44): `https://host/name`
 * gives `name.host`. Kubernetes, "Annotations" § Syntax and character set: a DNS subdomain, `/`, a name.
 */
const PREFIX = prefixOf(OWN_URI_BASE)

/** Of a namespace, value `true`: what its pods run may be told to everybody who asks (`waybill serve`). */
export const SERVE_ANNOTATION = `${PREFIX}/serve`

/** Of a pod (and of the pod template that makes it): what was deployed, as `expectedAnnotation` writes it. */
export const EXPECTED_ANNOTATION = `${PREFIX}/expected`

function prefixOf(home: string): string {
  const { host, pathname } = new URL(home)
  return [...pathname.split('/').filter(part => part !== ''), host].join('.')
}

/** One image as somebody deployed it. A claim like everything in an annotation: whoever may change pods may change it. */
export interface AnnotatedImage {
  /** Canonical `host/repository`. */
  readonly name: string
  readonly digest: Digest
  readonly build?: AnnotatedIdentity
  readonly deployer?: AnnotatedIdentity
}

/** A certificate identity with its issuer, or a key by the SHA-256 of its DER SubjectPublicKeyInfo. */
export type AnnotatedIdentity = { readonly identity: string; readonly issuer: string } | { readonly key: string }

/** A pod names a few images; all annotations of an object together may have 256 KiB (Kubernetes, TotalAnnotationSizeLimitB). */
const MAX_IMAGES = 100
const MAX_TEXT = 2_048

/** The value of `EXPECTED_ANNOTATION`: compact JSON on one line. The same images give the same text, in whatever order. */
export function expectedAnnotation(images: readonly AnnotatedImage[]): string {
  const sorted = [...images].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  return JSON.stringify(
    sorted.map(({ name, digest, build, deployer }) => ({
      name,
      digest,
      ...(build === undefined ? {} : { build: identityJson(build) }),
      ...(deployer === undefined ? {} : { deployer: identityJson(deployer) }),
    })),
  )
}

/**
 * Reads what `expectedAnnotation` wrote, strictly.
 * @throws `core/json-malformed`, `core/shape`
 */
export function readExpectedAnnotation(text: string): readonly AnnotatedImage[] {
  const list = arrayAt(parseJson(text, EXPECTED_ANNOTATION), EXPECTED_ANNOTATION)
  if (list.length > MAX_IMAGES) throw wrong(EXPECTED_ANNOTATION, `at most ${MAX_IMAGES} images`, String(list.length))
  return list.map((item, at) => imageAt(item, `${EXPECTED_ANNOTATION}[${at}]`))
}

function imageAt(value: Json, path: string): AnnotatedImage {
  const image = closedAt(value, path, ['name', 'digest', 'build', 'deployer'])
  const digest = textAt(image.digest, `${path}.digest`)
  if (!isDigest(digest)) throw wrong(`${path}.digest`, 'sha256:<64 hex>', digest)
  const build = optional(image.build, identityAt, `${path}.build`)
  const deployer = optional(image.deployer, identityAt, `${path}.deployer`)
  return {
    name: textAt(image.name, `${path}.name`),
    digest,
    ...(build === undefined ? {} : { build }),
    ...(deployer === undefined ? {} : { deployer }),
  }
}

function identityAt(value: Json, path: string): AnnotatedIdentity {
  const object = objectAt(value, path)
  if (Object.hasOwn(object, 'key')) {
    const key = textAt(closedAt(object, path, ['key']).key, `${path}.key`)
    if (!/^[0-9a-f]{64}$/.test(key)) throw wrong(`${path}.key`, '64 lower-case hex digits', key)
    return { key }
  }
  const { identity, issuer } = closedAt(object, path, ['identity', 'issuer'])
  return { identity: textAt(identity, `${path}.identity`), issuer: textAt(issuer, `${path}.issuer`) }
}

function identityJson(identity: AnnotatedIdentity): JsonObject {
  return 'key' in identity ? { key: identity.key } : { identity: identity.identity, issuer: identity.issuer }
}

function closedAt(value: Json | undefined, path: string, known: readonly string[]): JsonObject {
  const object = objectAt(value, path)
  const other = Object.keys(object).find(key => !known.includes(key))
  if (other !== undefined) throw wrong(path, known.join(', '), other)
  return object
}

function textAt(value: Json | undefined, path: string): string {
  const text = stringAt(value, path)
  if (text !== '' && text.length <= MAX_TEXT && isPrintable(text)) return text
  throw wrong(path, `1 to ${MAX_TEXT} visible characters`, text)
}

function keyOf({ name, digest }: AnnotatedImage): string {
  return `${name}@${digest}`
}

function wrong(path: string, expected: string, found: string): Error {
  return fail('core/shape', `${path} is not ${expected}`, { expected, found: JSON.stringify(found).slice(0, 100) })
}
