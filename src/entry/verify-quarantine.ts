import { join } from 'node:path'
import { asWaybillError, fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { checkClaims, maySign } from '../github/claims.ts'
import type { WorkflowLog } from '../github/commands.ts'
import type { RunContext } from '../github/context.ts'
import { SIGNING_EVENTS } from '../github/event.ts'
import { type IdToken, IdTokens } from '../github/token.ts'
import type { VerifyInputs } from '../github/verify-inputs.ts'
import type { Environment } from '../io/environment.ts'
import { readFileBounded } from '../io/files.ts'
import type { HttpClient } from '../io/http.ts'
import { QUARANTINE_FOLDER } from '../pipeline/quarantine-file.ts'
import { type RecordSigner, recordSigner } from '../pipeline/quarantine-record.ts'
import type { CredentialSource } from '../registry/credentials.ts'
import { repositoryIn } from '../registry/reference.ts'
import { openSession } from '../sigstore/sign/session.ts'
import { loadServices } from '../sigstore/trust/load.ts'
import { loadSigningConfig, type SigningServices } from '../sigstore/trust/services.ts'
import { assertTransparencyAllowed } from '../sigstore/trust/transparency.ts'
import { requireOwnNames } from '../statements/uris.ts'
import type { QuarantineHands } from './gate-after.ts'
import { clientsOf } from './gate-evidence.ts'
import { once } from './once.ts'
import { keepIn, signingTrust } from './quarantine-signer.ts'
import { RELEASE_BUILD } from './version.ts'
import { inWorkspace } from './workspace.ts'

interface QuarantineWorld {
  readonly env: Environment
  readonly inputs: VerifyInputs
  readonly context: RunContext
  readonly log: WorkflowLog
  readonly http: HttpClient
  readonly credentials: CredentialSource
}

/**
 * What `quarantine: attest` and `retag` need, proved before anything is judged: a gate that cannot warn must say so today, and
 * not on the day it has to. A token service that does not answer is no such proof; it is asked again when something is signed.
 * No certificate is asked for here.
 * @returns undefined for the other modes. @throws of kind configuration: `github/id-token-missing`, `github/event-refused`,
 *   `sigstore/private-repository`, `statements/placeholder-uri` …
 */
export async function quarantineHands(world: QuarantineWorld): Promise<QuarantineHands | undefined> {
  const { inputs, context, http, credentials } = world
  const { quarantine: mode, insecureRegistries, filesRepository, quarantineDirectory = QUARANTINE_FOLDER } = inputs
  if (mode !== 'attest' && mode !== 'retag') return undefined
  requireOwnNames(RELEASE_BUILD)
  refuseEvent(context.eventName, context.ref, mode)
  const own = await ownServices(world)
  const tokens = tokensOf(world, own)
  if (!tokens.available) throw noPermission(mode)
  await guarded(tokens, world, own ?? NO_SERVICES).catch(error => {
    if (asWaybillError(error).kind !== 'unknown') throw error
  })
  return {
    signer: once(() => signerOf(world, tokens, own)),
    keep: keepIn(inWorkspace(context, quarantineDirectory)),
    clientFor: clientsOf({ http, credentials, insecureRegistries }),
    ...(filesRepository === undefined ? {} : { filesRepository: repositoryIn(filesRepository) }),
  }
}

/** Without a file nothing but the visibility decides, and the public services need not be asked for to know it. */
const NO_SERVICES: SigningServices = { rekor: [], tsa: [], oidcIssuers: [], selection: { rekor: 0, tsa: 0 } }

/** 13-adversary 6: no pull request of any kind ever signs; here by the runner's word, later by the token's. */
function refuseEvent(event: string, ref: string, mode: string): void {
  if (SIGNING_EVENTS.has(event) && !ref.startsWith('refs/pull/')) return
  throw fail('github/event-refused', `quarantine: ${mode} signs, and this event never does`, {
    expected: 'push, release, workflow_dispatch, repository_dispatch or schedule',
    found: `${event} on ${ref}`,
    remedy: 'Set quarantine: files for this event; record what was rejected in a run that may sign.',
  })
}

function noPermission(mode: string): Error {
  return fail('github/id-token-missing', `quarantine: ${mode} signs, and the job may not ask for an identity token`, {
    expected: 'the permission id-token: write',
    found: 'no ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN',
    remedy:
      'Add to the job: permissions: { contents: read, packages: write, id-token: write }; or set quarantine: files, which signs nothing.',
  })
}

async function ownServices({ inputs, context }: QuarantineWorld): Promise<SigningServices | undefined> {
  const { signingConfig } = inputs
  if (signingConfig === undefined) return undefined
  const bytes = await readFileBounded(inWorkspace(context, signingConfig), LIMITS.serviceAnswerBytes)
  return loadSigningConfig(bytes, new Date())
}

function tokensOf({ env, http, log, context }: QuarantineWorld, own: SigningServices | undefined): IdTokens {
  const world = { env, http, mask: (secret: string) => log.mask(secret), now: () => Date.now() }
  return new IdTokens(world, context.event, own?.oidcIssuers ?? [])
}

/** A token of this very run that may sign, for a repository whose names may be told (13-adversary 6, 23). */
async function guarded(
  tokens: IdTokens,
  { inputs, context }: QuarantineWorld,
  services: SigningServices,
): Promise<IdToken> {
  const token = await tokens.get()
  const { claims } = token
  checkClaims(claims, context)
  if (!maySign(claims)) refuseEvent(claims.eventName, claims.ref, inputs.quarantine ?? 'files')
  const { transparencyLog } = inputs
  assertTransparencyAllowed({ visibility: claims.repositoryVisibility, transparencyLog, services })
  return token
}

/** The guard stands before the certificate, too: the services are known only now where no file names them. */
async function signerOf(
  world: QuarantineWorld,
  tokens: IdTokens,
  own: SigningServices | undefined,
): Promise<RecordSigner> {
  const { inputs, context, http } = world
  const cacheFolder = join(context.temporary, 'waybill', 'tuf')
  const services = own ?? (await loadServices({ now: new Date(), cacheFolder }))
  await guarded(tokens, world, services)
  const identityToken = async () => (await guarded(tokens, world, services)).token
  const { trustedRoot } = inputs
  const trust = signingTrust({
    ownServices: own !== undefined,
    trustedRootFile:
      trustedRoot === undefined
        ? undefined
        : await readFileBounded(inWorkspace(context, trustedRoot), LIMITS.serviceAnswerBytes),
    cacheFolder,
  })
  const log = inputs.transparencyLog !== 'none'
  return recordSigner(openSession({ services, http, identityToken, now: () => Date.now(), log, ...trust }))
}
