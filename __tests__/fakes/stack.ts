import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClaimOverrides } from './claims.ts'
import { type Fulcio, startFulcio } from './fulcio.ts'
import { type Oidc, startOidc } from './oidc.ts'
import { type RekorV1, startRekorV1 } from './rekor-v1.ts'
import { type RekorV2, startRekorV2 } from './rekor-v2.ts'
import { startTimestampAuthority, type TimestampAuthority } from './timestamp.ts'
import { type RekorChoice, signingConfig, trustedRoot } from './trusted-root.ts'

export interface StackOptions {
  /** Where files are written; default: a temporary folder that `close` removes. */
  readonly folder?: string
  /** Over the defaults of `githubClaims`, for every token. */
  readonly claims?: ClaimOverrides
  /** `iss` of tokens and certificates; default: the issuer's loopback URL. */
  readonly issuer?: string
  /** Which transparency log the signing config names; default `v1`. */
  readonly rekor?: RekorChoice
}

export interface Stack {
  readonly folder: string
  readonly oidc: Oidc
  readonly fulcio: Fulcio
  readonly rekorV1: RekorV1
  readonly rekorV2: RekorV2
  readonly timestamp: TimestampAuthority
  /** Absolute paths of `trusted_root.json` and `signing_config.json`. */
  readonly trustedRootFile: string
  readonly signingConfigFile: string
  readonly trustedRoot: Record<string, unknown>
  readonly signingConfig: Record<string, unknown>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts every service of the embedded stack on loopback, ports chosen by the system. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const folder = options.folder ?? (await mkdtemp(join(await realpath(tmpdir()), 'waybill-stack-')))
  const [oidc, rekorV1, rekorV2, timestamp] = await Promise.all([
    startOidc(options),
    startRekorV1(),
    startRekorV2(),
    startTimestampAuthority(),
  ])
  const fulcio = await startFulcio({ issuers: new Map([[oidc.issuer, oidc.url]]) })
  const services = { issuer: oidc.issuer, fulcio, rekorV1, rekorV2, timestamp }
  const root = trustedRoot(services)
  const config = signingConfig(services, options.rekor)
  const trustedRootFile = join(folder, 'trusted_root.json')
  const signingConfigFile = join(folder, 'signing_config.json')
  await writeFile(trustedRootFile, JSON.stringify(root, null, 2))
  await writeFile(signingConfigFile, JSON.stringify(config, null, 2))
  const close = async () => {
    await Promise.all([oidc, fulcio, rekorV1, rekorV2, timestamp].map(service => service.close()))
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true })
  }
  return {
    folder,
    oidc,
    fulcio,
    rekorV1,
    rekorV2,
    timestamp,
    trustedRootFile,
    signingConfigFile,
    trustedRoot: root,
    signingConfig: config,
    close,
    [Symbol.asyncDispose]: close,
  }
}
