import { fail, type WaybillError } from '../core/error.ts'
import { isPrintable } from '../core/text.ts'
import type { Pull } from '../materials/dockerfile/pull.ts'
import { parseReference } from '../registry/reference.ts'
import type { AllowedMaterials } from './allowed.ts'
import { gitLocation, imageIdentifier } from './source-identifiers.ts'

/**
 * What BuildKit says, on one line behind `ERROR: `, when its source policy refuses something or a checksum is wrong:
 *
 *     ERROR: failed to build: failed to solve: … source "docker-image://…" denied by policy: source denied by policy
 *     ERROR: failed to build: failed to solve: digest mismatch sha256:<got>: sha256:<wanted>
 *
 * A RUN step prints what it likes, but never at the beginning of a line: BuildKit puts its number there.
 * Source: BuildKit 0.26.3 `sourcepolicy/engine.go`, `source/http/source.go`; run with buildx 0.29.1.
 */
const DENIED = /source ("(?:[^"\\]|\\.)*") denied by policy: source denied by policy$/
const MISMATCH = /digest mismatch (sha256:[0-9a-f]{64}): (sha256:[0-9a-f]{64})$/

/** The identifier that the policy refused, if that is what ended the build. */
export function deniedSource(output: string): string | undefined {
  const quoted = DENIED.exec(lastError(output))?.[1]
  return quoted === undefined ? undefined : unquoted(quoted)
}

/** The line that says why the build ended; empty when there is none. */
export function lastError(output: string): string {
  return output.split('\n').findLast(line => line.startsWith('ERROR: ')) ?? ''
}

/** `materials/undeclared` or `materials/other-bytes`, if the build ended because of that. */
export function refusalOf(output: string, allowed: AllowedMaterials): WaybillError | undefined {
  const denied = deniedSource(output)
  if (denied !== undefined) return undeclared(denied, allowed)
  const [, got, wanted] = MISMATCH.exec(lastError(output)) ?? []
  const url = allowed.urls.find(({ sha256 }) => `sha256:${sha256}` === wanted)?.url
  if (url === undefined || got === undefined || wanted === undefined) return undefined
  const line = lineOf(allowed.pulls.find(({ source }) => source === url))
  return fail('materials/other-bytes', `The build got other bytes than declared from ${url}${line}`, {
    expected: wanted,
    found: got,
  })
}

function undeclared(identifier: string, allowed: AllowedMaterials): WaybillError {
  const pull = allowed.pulls.find(({ source }) => source !== undefined && isSame(source, identifier))
  const otherwise = declaredOtherwise(identifier, allowed)
  const remedy = otherwise ?? remedyFor(identifier)
  return fail(
    'materials/undeclared',
    `The builder refused ${identifier}${lineOf(pull)}: ${otherwise === undefined ? 'it was not declared' : 'it was declared otherwise'}`,
    {
      expected: 'only what was verified or pinned before the build',
      found: identifier,
      ...(remedy === undefined ? {} : { remedy }),
    },
  )
}

function lineOf(pull: Pull | undefined): string {
  if (pull === undefined || pull.line === 0) return ''
  return pull.trigger === true
    ? ` (ONBUILD of the base image in line ${pull.line} of the Dockerfile)`
    : ` (line ${pull.line} of the Dockerfile)`
}

/** A frontend adds the digest that it was told; a ref stands behind the location. */
function isSame(source: string, identifier: string): boolean {
  if (identifier.startsWith('docker-image://'))
    return withoutDigest(imageIdentifier(source)) === withoutDigest(identifier)
  if (identifier.startsWith('git://')) return locationOf(source) === identifier.slice('git://'.length).split('#', 1)[0]
  return source === identifier
}

function withoutDigest(identifier: string): string {
  return identifier.split('@', 1)[0] ?? identifier
}

function locationOf(source: string): string | undefined {
  return gitLocation(source.split('#', 1)[0]?.split('?', 1)[0] ?? '')
}

/** Of a URL or repository that is known under this identifier, something else must differ. */
function declaredOtherwise(identifier: string, { urls, repositories }: AllowedMaterials): string | undefined {
  if (urls.some(({ url }) => url === identifier))
    return 'The Dockerfile gives another --checksum than was declared: make both the same.'
  const [location, ref = ''] = identifier.replace(/^git:\/\//, '').split('#')
  const [name = ''] = ref.split(':', 1)
  // Once the policy has put the commit in the place of the ref, that is what the builder names.
  const repository = repositories.find(
    one => gitLocation(one.remote) === location && [one.ref.split(':', 1)[0], one.commit].includes(name),
  )
  return repository === undefined
    ? undefined
    : `Make the Dockerfile’s --checksum ${repository.commit}, and take away --keep-git-dir: what it adds is no part of the commit.`
}

/** The lines to add, only where every character of them is what it seems to be. */
function remedyFor(identifier: string): string | undefined {
  if (!isPrintable(identifier)) return undefined
  if (identifier.startsWith('docker-image://')) return imageRemedy(identifier)
  if (/^https?:\/\//.test(identifier))
    return `If you want it in the build, add to materials of .github/waybill.materials.yml: ${item(identifier, 'dockerfile-add')}; then run: waybill materials lock`
  if (!identifier.startsWith('git://')) return undefined
  const [location = '', ref] = identifier.slice('git://'.length).split('#')
  const uri = `git+https://${location}${ref === undefined ? '' : `@${ref.split(':', 1)[0]}`}`
  return `If you want it in the build, add to materials of .github/waybill.materials.yml: ${item(uri, 'dockerfile-add')}; then run: waybill materials lock`
}

function imageRemedy(identifier: string): string | undefined {
  const canonical = canonicalOf(identifier.slice('docker-image://'.length))
  if (canonical === undefined) return undefined
  const rule = `- {match: ${JSON.stringify(canonical)}, digest-lock: true}`
  return `If you want it in the build, add to base-images of .github/waybill.yml: ${rule} (or signers: in place of digest-lock), and to materials of .github/waybill.materials.yml: ${item(withoutDigest(identifier), 'base-image')}; then run: waybill materials lock`
}

function canonicalOf(name: string): string | undefined {
  try {
    return parseReference(name).canonical
  } catch {
    return undefined
  }
}

function item(uri: string, use: string): string {
  return `- {name: ${nameOf(uri)}, uri: ${JSON.stringify(uri)}, use: {${use}: true}}`
}

function nameOf(uri: string): string {
  const last = uri.split(/[?#@]/, 1)[0]?.split('/').at(-1)?.split(':', 1)[0] ?? ''
  return /^[a-z0-9][a-z0-9._-]{0,63}$/.test(last) ? last : 'NAME'
}

/** Go's `%q` is JSON but for a few escapes, which then stay as they are. */
function unquoted(quoted: string): string {
  try {
    return String(JSON.parse(quoted))
  } catch {
    return quoted.slice(1, -1)
  }
}
