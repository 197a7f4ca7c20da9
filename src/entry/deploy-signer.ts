import { resolve } from 'node:path'
import { decodeUtf8 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import { isObject, type JsonObject, parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import { checkClaims, readClaims } from '../github/claims.ts'
import type { WorkflowLog } from '../github/commands.ts'
import type { RunContext } from '../github/context.ts'
import type { DeployInputs } from '../github/deploy-inputs.ts'
import { IdTokens } from '../github/token.ts'
import type { Environment } from '../io/environment.ts'
import { readFileBounded } from '../io/files.ts'
import type { HttpClient } from '../io/http.ts'
import type { DeploySigner } from '../pipeline/deploy-request.ts'
import { GITHUB_SERVER } from '../policy/expected.ts'
import { openSession, type SigningSession } from '../sigstore/sign/session.ts'
import { loadServices } from '../sigstore/trust/load.ts'
import type { SigningServices } from '../sigstore/trust/services.ts'
import { assertTransparencyAllowed, type TransparencyLog } from '../sigstore/trust/transparency.ts'
import { certifiedSigner, checkDeployClaims, keyedSigner, runSigner } from './deploy-identity.ts'
import { type KeyPlace, openSigningKey } from './named-secret.ts'
import { tufCacheOf } from './tuf-cache.ts'

interface Services {
  readonly http: HttpClient
  /** Absolute. */
  readonly signingConfig?: string
  readonly cacheFolder: string
  readonly transparencyLog: TransparencyLog
}

async function servicesOf({ signingConfig, cacheFolder }: Services): Promise<SigningServices> {
  const bytes =
    signingConfig === undefined ? undefined : await readFileBounded(signingConfig, LIMITS.serviceAnswerBytes)
  return loadServices({ now: new Date(), cacheFolder, ...(bytes === undefined ? {} : { signingConfigFile: bytes }) })
}

function sessionOf(
  { http, transparencyLog }: Services,
  services: SigningServices,
  identityToken: () => Promise<string>,
): SigningSession {
  return openSession({ services, http, identityToken, now: () => Date.now(), log: transparencyLog !== 'none' })
}

/** Key signatures are believed only with a time, so a log or a timestamp authority sees them. */
async function keyOf(place: KeyPlace, folder: string, env: Environment, how: Services, visibility?: string) {
  const key = await openSigningKey(place, folder, env)
  const services = await servicesOf(how)
  const { transparencyLog, http } = how
  assertTransparencyAllowed({ visibility, transparencyLog, services, key: true })
  return keyedSigner(key, { services, http, now: () => Date.now(), log: transparencyLog !== 'none' })
}

export interface ActionSignerWorld {
  readonly env: Environment
  readonly inputs: DeployInputs
  readonly context: RunContext
  readonly log: WorkflowLog
  readonly http: HttpClient
  readonly cacheFolder: string
}

/**
 * Who signs in a workflow run. The token is asked once, and everything that it decides is decided here, before anything is signed.
 * @throws `github/…`, `deploy/environment-…`, `sigstore/private-repository`, `sigstore/signing-key-…`
 */
export async function actionSigner(world: ActionSignerWorld): Promise<DeploySigner> {
  const { env, inputs, context, log, http, cacheFolder } = world
  const { key, keyPassword: password, signingConfig, transparencyLog, environment } = inputs
  const how: Services = {
    http,
    cacheFolder,
    transparencyLog,
    ...(signingConfig === undefined ? {} : { signingConfig: resolve(context.workspace, signingConfig) }),
  }
  if (key !== undefined)
    return keyOf({ key, ...(password === undefined ? {} : { password }) }, context.workspace, env, how)
  const services = await servicesOf(how)
  const tokenWorld = { env, http, mask: (secret: string) => log.mask(secret), now: () => Date.now() }
  const tokens = new IdTokens(tokenWorld, context.event, services.oidcIssuers)
  const { claims } = await tokens.get()
  checkClaims(claims, context)
  checkDeployClaims(claims, environment)
  assertTransparencyAllowed({ visibility: claims.repositoryVisibility, transparencyLog, services })
  return runSigner(claims, context.serverUrl, async () =>
    sessionOf(how, services, async () => (await tokens.get()).token),
  )
}

/** Who signs for a command line. */
export interface CommandSigner {
  /** Absolute; exactly one of it and `key`. */
  readonly identityTokenFile?: string
  readonly key?: KeyPlace
  readonly environment: string
  readonly folder: string
  readonly env: Environment
}

/**
 * A token's claims are read without its issuer's keys here: they only refuse early. What counts is the certificate, which the
 * authority makes from the token it verified, and which is compared with them.
 */
export async function commandSigner(wish: CommandSigner, how: Omit<Services, 'cacheFolder'>): Promise<DeploySigner> {
  const { key, folder, env, identityTokenFile = '', environment } = wish
  const { transparencyLog } = how
  const withCache = { ...how, cacheFolder: tufCacheOf(wish.env, wish.folder) }
  if (key !== undefined) return keyOf(key, folder, env, withCache)
  const token = async (): Promise<string> => tokenIn(await readFileBounded(identityTokenFile, 64 * 1024))
  const payload = payloadOf(await token())
  const services = await servicesOf(withCache)
  const open = async (): Promise<SigningSession> => sessionOf(withCache, services, token)
  const visibility = visibilityIn(payload)
  if (payload.job_workflow_ref === undefined) {
    assertTransparencyAllowed({ visibility, transparencyLog, services })
    return certifiedSigner(personOf(payload), open)
  }
  const claims = readClaims(payload)
  checkDeployClaims(claims, environment)
  assertTransparencyAllowed({ visibility, transparencyLog, services })
  return runSigner(claims, env.GITHUB_SERVER_URL || GITHUB_SERVER, open)
}

/**
 * The worst that the token says of what it is for, whichever platform's token it is (Fulcio docs/oidc.md § GitHub, § GitLab); of a
 * repository of which it does not say it, nothing is known. Who is for no repository has no name of one to keep.
 */
function visibilityIn(payload: JsonObject): string | undefined {
  const said = VISIBILITIES.map(name => payload[name]).filter(value => value !== undefined && value !== null)
  const closed = said.find(value => value !== 'public')
  if (closed !== undefined) return typeof closed === 'string' ? printable(closed, 60) : 'that is no text'
  if (said.length > 0) return 'public'
  return REPOSITORIES.some(name => payload[name] !== undefined) ? undefined : 'public'
}

const VISIBILITIES = ['repository_visibility', 'project_visibility']
const REPOSITORIES = ['job_workflow_ref', 'repository', 'repository_id', 'project_path', 'project_id']

/** Fulcio docs/oidc.md § Email: the verified address; behind a federating issuer the one that it asked. */
function personOf(payload: JsonObject): { readonly email: string; readonly issuer: string } | undefined {
  const { email, iss, federated_claims: federated } = payload
  const issuer = isObject(federated) && typeof federated.connector_id === 'string' ? federated.connector_id : iss
  return typeof email === 'string' && typeof issuer === 'string' ? { email, issuer } : undefined
}

/** Nothing of the token is in an error. */
function tokenIn(bytes: Uint8Array): string {
  const token = decodeUtf8(bytes)?.trim()
  if (token !== undefined && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return token
  throw malformedToken()
}

function payloadOf(token: string): JsonObject {
  const [, body = ''] = token.split('.')
  try {
    return parseJsonObject(Buffer.from(body, 'base64url'), 'identity token')
  } catch {
    throw malformedToken()
  }
}

function malformedToken(): Error {
  return fail('sigstore/identity-token-malformed', 'The file of the identity token does not hold one', {
    kind: 'configuration',
    expected: 'one JWT on one line',
  })
}
