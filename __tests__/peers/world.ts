import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Digest } from '../../src/core/digest.ts'
import { HttpClient } from '../../src/io/http.ts'
import { attachBundles } from '../../src/registry/bundles.ts'
import { RegistryClient } from '../../src/registry/client.ts'
import { pushLayout } from '../../src/registry/layout.ts'
import { parseReference } from '../../src/registry/reference.ts'
import { LOGIN, type RegistryName } from '../../tools/peers/registries.ts'
import { type PeerOptions, type PeerStack, startPeers } from '../../tools/peers/stack.ts'
import { writeLayout } from '../fakes/layout.ts'
import type { RunOptions } from '../fakes/runner.ts'
import { type Finished, type Inputs, type Scenario, type StepResult, scenarioOn } from '../fakes/scenario.ts'

export type World = Scenario<PeerStack>

export async function openWorld(options: PeerOptions = {}): Promise<World> {
  return scenarioOn(await startPeers(options))
}

/** Where a registry's images of one kind go. */
export function repositoryIn(world: World, registry: RegistryName, name = 'app'): string {
  return `${world.stack.registries[registry].host}/acme/${name}`
}

/** Runs the action as a job that has logged in to the registries and set up buildx. */
export function attest(world: World, inputs: Inputs, run: RunOptions = {}): Promise<StepResult> {
  return world.attest(inputs, { ...run, env: { DOCKER_CONFIG: world.stack.buildkit.dockerConfig, ...run.env } })
}

export type Cosign = 'cosign3' | 'cosign2'

/** Runs cosign; it finds the registries' login where a person's docker left it. */
export function cosign(world: World, version: Cosign, args: readonly string[]): Promise<Finished> {
  const { peers, folder, buildkit } = world.stack
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    DOCKER_CONFIG: buildkit.dockerConfig,
    COSIGN_PASSWORD: 'of the keys it makes here',
  }
  return new Promise(resolve => {
    const child = execFile(peers.go[version], [...args], { env, timeout: 60_000 }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, log: `${stdout}${stderr}`, stdout }),
    )
  })
}

/** Who must have signed. */
export interface Expected {
  readonly identity: string
  readonly issuer: string
  /** The repository the run belonged to, which the identity alone does not say. */
  readonly repository?: string
}

export function expectedOf(world: World): Expected {
  return {
    identity: `${world.stack.git.url}/acme/app/.github/workflows/release.yml@refs/heads/main`,
    issuer: world.stack.oidc.issuer,
  }
}

export const VERIFIERS = ['cosign3', 'cosign2', 'waybill'] as const
export type Verifier = (typeof VERIFIERS)[number]
export const CLAIMS = ['signature', 'provenance'] as const
export type Claim = (typeof CLAIMS)[number]
/** What `verdicts` says of an image that everybody accepts. */
export const ACCEPTED: Readonly<Record<string, number>> = Object.fromEntries(
  VERIFIERS.flatMap(name => CLAIMS.map(claim => [`${name} ${claim}`, 0])),
)

/** One verification of one claim about an image by one verifier, offline but for the registry. */
export function verify(
  world: World,
  verifier: Verifier,
  claim: Claim,
  image: string,
  expected: Expected,
): Promise<Finished> {
  const { identity, issuer, repository } = expected
  if (verifier === 'waybill')
    return waybill(world, ['verify', 'image', image, '--policy', policyOf(world, claim, expected)])
  return cosign(world, verifier, [
    ...(claim === 'signature' ? ['verify'] : ['verify-attestation', '--type=slsaprovenance1']),
    `--certificate-identity=${identity}`,
    `--certificate-oidc-issuer=${issuer}`,
    `--trusted-root=${world.stack.trustedRootFile}`,
    // What is the rule for cosign 3 must be asked of cosign 2: bundles as referrers, and the authority's timestamps.
    ...(verifier === 'cosign2' ? ['--new-bundle-format', '--use-signed-timestamps'] : []),
    ...(repository === undefined ? [] : [`--certificate-github-workflow-repository=${repository}`]),
    image,
  ])
}

/** A policy with one deploy rule that expects this, whoever built the image. @returns its path. */
function policyOf(world: World, claim: Claim, { identity, issuer, repository }: Expected): string {
  if (repository !== undefined) throw new Error('A policy names repositories on an https server only: use flags')
  const path = join(world.stack.folder, `${randomUUID()}.yml`)
  writeFileSync(
    path,
    `version: 1
deploy:
  - match: "127.0.0.1:*/**"
    trust: { file: ${basename(world.stack.trustedRootFile)} }
    build:
${claim === 'provenance' ? '      builders: [buildx, buildah, layout]\n' : ''}      sigstore: { identity: "${identity}", issuer: "${issuer}" }
    require: [${claim}]
`,
  )
  return path
}

export function waybill(world: World, args: readonly string[]): Promise<Finished> {
  return world.cli(args, { DOCKER_CONFIG: world.stack.buildkit.dockerConfig })
}

/** Exit codes of every claim by every verifier, as `cosign3 signature: 0`. */
export async function verdicts(
  world: World,
  verifiers: readonly Verifier[],
  image: string,
  expected: Expected,
): Promise<Record<string, number>> {
  const codes: Record<string, number> = {}
  for (const verifier of verifiers) {
    for (const claim of CLAIMS) {
      const { code } = await verify(world, verifier, claim, image, expected)
      codes[`${verifier} ${claim}`] = code
    }
  }
  return codes
}

/** Our own client, logged in where that is asked for: it does what an attacker with write access does. */
export function clientFor(registry: RegistryName): { client: RegistryClient; close(): void } {
  const http = new HttpClient()
  const credential = { kind: 'password', ...LOGIN } as const
  const credentials = { find: async () => (registry === 'debian' ? credential : undefined) }
  return { client: new RegistryClient({ http, credentials }), close: () => http.close() }
}

/** Pushes another image that nobody signed, by digest alone. */
export async function pushStranger(
  world: World,
  registry: RegistryName,
  repository: string,
  content = 'stranger',
): Promise<Digest> {
  const { folder } = writeLayout(join(world.stack.folder, randomUUID()), {
    content: `${content} ${repository}`,
  })
  const { client, close } = clientFor(registry)
  try {
    return (await pushLayout(client, parseReference(repository), folder)).digest
  } finally {
    close()
  }
}

/** Moves a tag to another image of the repository. */
export async function moveTag(registry: RegistryName, repository: string, tag: string, to: Digest): Promise<void> {
  const { client, close } = clientFor(registry)
  try {
    const { bytes, descriptor } = await client.getManifest(parseReference(repository), to)
    await client.putManifest(parseReference(repository), tag, descriptor.mediaType, bytes)
  } finally {
    close()
  }
}

/** Digest behind the tag `v1`, by the registry's word. */
export async function tagIn(registry: RegistryName, repository: string): Promise<string | undefined> {
  const { client, close } = clientFor(registry)
  try {
    return (await client.headTag(parseReference(repository), 'v1'))?.digest
  } finally {
    close()
  }
}

/** Attaches somebody's bundles to an image that they say nothing about. */
export async function attachForeign(
  registry: RegistryName,
  repository: string,
  to: Digest,
  attested: StepResult,
): Promise<void> {
  const { client, close } = clientFor(registry)
  try {
    const bundles = attested.result.attestations.map(({ bundle = '', predicateType }) => ({
      bytes: readFileSync(bundle),
      predicateType,
    }))
    await attachAll(client, repository, to, bundles)
  } finally {
    close()
  }
}

export async function attachAll(
  client: RegistryClient,
  repository: string,
  to: Digest,
  bundles: readonly { readonly bytes: Uint8Array; readonly predicateType: string }[],
): Promise<void> {
  const { descriptor } = await client.getManifest(parseReference(repository), to)
  const created = new Date(1_780_000_000_000)
  const items = bundles.map(({ bytes, predicateType }) => ({
    subject: descriptor,
    bundle: bytes,
    predicateType,
    created,
  }))
  await attachBundles(client, parseReference(repository), items)
}

/** A layout for the `layout` builder, another image for each name. */
export function layoutOf(world: World, name: string, platforms?: readonly string[]): string {
  return writeLayout(join(world.stack.folder, `layout-${name}`), { content: name, ...(platforms ? { platforms } : {}) })
    .folder
}

/** `digest` as `repository@digest`. */
export function pinned(repository: string, digest: string | undefined): string {
  return `${repository}@${digest ?? ''}`
}
