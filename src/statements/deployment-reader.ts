import { type Digest, parseDigest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { arrayAt, objectAt, optional, stringAt } from '../core/shape.ts'
import { isPrintable, printable } from '../core/text.ts'
import type { DeployedImage, Deployment, DeploymentIdentity } from './deployment.ts'
import { reading } from './parse.ts'

const DEPLOYMENT = ['schemaVersion', 'issuedAt', 'audience', 'environment', 'policy', 'images', 'unclear']
const IMAGE = ['name', 'digest', 'specified', 'tags', 'places', 'expected', 'attestations', 'commands']
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/
const AUDIENCE = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?$/
/** Canonical `host/repository`: a host has a dot, a port or brackets, or is localhost. OCI distribution v1.1.1 § Pulling manifests */
const NAME =
  /^(?=localhost\/|[^/]*[.:])(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)+$/
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/

/**
 * Reads a document of `schemas/deployment.json`. Fields that are not known are refused: a page that shows a list of what runs
 * must not be led to leave something out. @throws `statements/deployment-malformed`
 */
export function readDeployment(value: Json | undefined): Deployment {
  return reading('statements/deployment-malformed', () => {
    const document = closedAt(value, 'deployment', DEPLOYMENT)
    if (document.schemaVersion !== 1) throw refused('schemaVersion 1', JSON.stringify(document.schemaVersion ?? null))
    const audience = optional(document.audience, matchingAt(AUDIENCE, 'host or host:port'), 'audience')
    const environment = optional(document.environment, textAt, 'environment')
    const policy = optional(document.policy, policyAt, 'policy')
    const images = listAt(document.images, 'images', LIMITS.deploymentImages, imageAt)
    refuseTwice(images)
    const unclear = optional(document.unclear, unclearAt, 'unclear')
    return {
      schemaVersion: 1,
      issuedAt: timeAt(document.issuedAt),
      ...(audience === undefined ? {} : { audience }),
      ...(environment === undefined ? {} : { environment }),
      ...(policy === undefined ? {} : { policy }),
      images,
      ...(unclear === undefined ? {} : { unclear }),
    }
  })
}

function unclearAt(value: Json, path: string): NonNullable<Deployment['unclear']> {
  return listAt(value, path, LIMITS.deploymentItems, (item, at) => {
    const { place, why } = closedAt(item, at, ['place', 'why'])
    return { place: textAt(place, `${at}.place`), why: textAt(why, `${at}.why`) }
  })
}

function imageAt(value: Json, path: string): DeployedImage {
  const image = closedAt(value, path, IMAGE)
  const list = <T>(name: string, item: (value: Json, path: string) => T): readonly T[] | undefined =>
    optional(image[name], (one, at) => listAt(one, at, LIMITS.deploymentItems, item), `${path}.${name}`)
  const specified = optional(image.specified, digestAt, `${path}.specified`)
  const tags = list('tags', matchingAt(TAG, 'a tag'))
  const places = list('places', textAt)
  const expected = optional(image.expected, expectedAt, `${path}.expected`)
  const attestations = list('attestations', attestationAt)
  const commands = list('commands', textAt)
  return {
    name: matchingAt(NAME, 'host/repository')(image.name, `${path}.name`),
    digest: digestAt(image.digest, `${path}.digest`),
    ...(specified === undefined ? {} : { specified }),
    ...(tags === undefined ? {} : { tags }),
    ...(places === undefined ? {} : { places }),
    ...(expected === undefined ? {} : { expected }),
    ...(attestations === undefined ? {} : { attestations }),
    ...(commands === undefined ? {} : { commands }),
  }
}

function policyAt(value: Json, path: string): NonNullable<Deployment['policy']> {
  const policy = closedAt(value, path, ['uri', 'digest'])
  const digest = optional(policy.digest, digestAt, `${path}.digest`)
  return { uri: textAt(policy.uri, `${path}.uri`), ...(digest === undefined ? {} : { digest }) }
}

function expectedAt(value: Json, path: string): NonNullable<DeployedImage['expected']> {
  const expected = closedAt(value, path, ['build', 'deployer'])
  const build = optional(expected.build, identityAt, `${path}.build`)
  const deployer = optional(expected.deployer, identityAt, `${path}.deployer`)
  return { ...(build === undefined ? {} : { build }), ...(deployer === undefined ? {} : { deployer }) }
}

/** Exactly one of the two forms: with both, a reader could show one and check the other. */
function identityAt(value: Json, path: string): DeploymentIdentity {
  const object = objectAt(value, path)
  if (Object.hasOwn(object, 'key')) {
    const { key } = closedAt(object, path, ['key'])
    return { key: matchingAt(/^[0-9a-f]{64}$/, '64 lower-case hex digits')(key, `${path}.key`) }
  }
  const { identity, issuer } = closedAt(object, path, ['identity', 'issuer'])
  return { identity: textAt(identity, `${path}.identity`), issuer: textAt(issuer, `${path}.issuer`) }
}

function attestationAt(value: Json, path: string): { readonly predicateType: string; readonly manifest: Digest } {
  const { predicateType, manifest } = closedAt(value, path, ['predicateType', 'manifest'])
  return {
    predicateType: textAt(predicateType, `${path}.predicateType`),
    manifest: digestAt(manifest, `${path}.manifest`),
  }
}

function refuseTwice(images: readonly DeployedImage[]): void {
  const seen = new Set<string>()
  for (const { name, digest } of images) {
    const key = `${name}@${digest}`
    if (seen.has(key)) throw refused('each image once', `${key} twice`)
    seen.add(key)
  }
}

function closedAt(value: Json | undefined, path: string, known: readonly string[]): JsonObject {
  const object = objectAt(value, path)
  const unknown = Object.keys(object).find(key => !known.includes(key))
  if (unknown !== undefined) throw refused(`${known.join(', ')} at ${path}`, unknown)
  return object
}

function listAt<T>(
  value: Json | undefined,
  path: string,
  max: number,
  item: (value: Json, path: string) => T,
): readonly T[] {
  const list = arrayAt(value, path)
  if (list.length > max) throw refused(`at most ${max} items at ${path}`, String(list.length))
  return list.map((one, at) => item(one, `${path}[${at}]`))
}

/** It is shown to people: what reads otherwise than it is written is refused, not escaped. */
function textAt(value: Json | undefined, path: string): string {
  const text = stringAt(value, path)
  if (text === '' || text.length > LIMITS.deploymentText || !isPrintable(text))
    throw refused(`1 to ${LIMITS.deploymentText} visible characters at ${path}`, text)
  return text
}

function matchingAt(pattern: RegExp, what: string): (value: Json | undefined, path: string) => string {
  return (value, path) => {
    const text = textAt(value, path)
    if (!pattern.test(text)) throw refused(`${what} at ${path}`, text)
    return text
  }
}

function digestAt(value: Json | undefined, path: string): Digest {
  return parseDigest(stringAt(value, path))
}

function timeAt(value: Json | undefined): string {
  const text = stringAt(value, 'issuedAt')
  if (!TIME.test(text) || Number.isNaN(new Date(text).getTime())) throw refused('a time in UTC at issuedAt', text)
  return text
}

function refused(expected: string, found: string): Error {
  return fail('statements/deployment-malformed', 'The document about what runs is malformed', {
    expected,
    found: printable(found, 200) || 'nothing',
  })
}
