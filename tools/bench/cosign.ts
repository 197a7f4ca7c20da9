import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { runProgram } from './program.ts'

/** The version the figures in docs/performance.md speak of. */
const VERSION = '3.1.2'

/** Finds the peer: `WAYBILL_COSIGN`, else the peers' cache. @throws when it is missing: a missing peer is never skipped. */
export async function findCosign(): Promise<string> {
  const peers = process.env.WAYBILL_PEERS ?? join(homedir(), '.cache', 'waybill', 'peers')
  const cached = join(peers, `cosign3-${VERSION}`, 'cosign3')
  const file = process.env.WAYBILL_COSIGN ?? cached
  if (!existsSync(file))
    throw new Error(`The peer cosign ${VERSION} is missing: put it at ${cached}, or name it in WAYBILL_COSIGN`)
  const { log } = await runProgram(file, ['version'], { HOME: '/nonexistent' })
  if (log.includes(`v${VERSION}`)) return file
  throw new Error(`${file} is not cosign ${VERSION}`)
}

export interface CosignWorld {
  readonly file: string
  /** A folder of its own: home, predicate and token are written there. */
  readonly folder: string
  readonly trustedRootFile: string
  readonly signingConfigFile: string
}

export interface CosignJob {
  /** `host/repository@sha256:…` to sign; with `recursive` every platform too. */
  readonly image: string
  readonly recursive: boolean
  /** What to attest one by one. */
  readonly attested: readonly string[]
  readonly identityToken: string
}

/** `cosign sign`, then `cosign attest` with a provenance predicate for each image. @returns milliseconds of all processes. */
export async function signAndAttest(world: CosignWorld, job: CosignJob): Promise<number> {
  const { folder, trustedRootFile, signingConfigFile } = world
  const tokenFile = join(folder, 'token')
  const predicateFile = join(folder, 'predicate.json')
  await Promise.all([writeFile(tokenFile, job.identityToken), writeFile(predicateFile, JSON.stringify(PREDICATE))])
  const common = [
    ...['--yes', '--allow-http-registry', '--identity-token', tokenFile],
    ...['--trusted-root', trustedRootFile, '--signing-config', signingConfigFile],
  ]
  const commands = [
    ['sign', ...common, ...(job.recursive ? ['--recursive'] : []), job.image],
    ...job.attested.map(image => [
      ...['attest', ...common, '--type', 'slsaprovenance1', '--predicate', predicateFile],
      image,
    ]),
  ]
  let total = 0
  for (const args of commands) {
    const { code, ms, log } = await runProgram(world.file, args, { HOME: folder, PATH: '' })
    if (code !== 0) throw new Error(`cosign ${args[0]} failed (${code}):\n${log}`)
    total += ms
  }
  return total
}

/** About as large as ours. */
const PREDICATE = {
  buildDefinition: {
    buildType: 'https://example.com/build/v1',
    externalParameters: { source: 'git+https://example.com/acme/app', padding: 'x'.repeat(1500) },
    resolvedDependencies: [{ uri: 'git+https://example.com/acme/app', digest: { gitCommit: '0'.repeat(40) } }],
  },
  runDetails: { builder: { id: 'https://example.com/builder' } },
}
