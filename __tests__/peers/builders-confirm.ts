import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import type { StepResult } from '../fakes/scenario.ts'
import { cosign, expectedOf, pinned, type World } from './world.ts'

const run = promisify(execFile)

/** Asks a registry what go-containerregistry sees there, with the login that a person's docker left. */
export async function crane(world: World, args: readonly string[]): Promise<Buffer> {
  const { peers, folder, buildkit } = world.stack
  const env = { PATH: process.env.PATH ?? '', HOME: folder, DOCKER_CONFIG: buildkit.dockerConfig }
  const options = { env, encoding: 'buffer', maxBuffer: 16 * 1024 * 1024 } as const
  return (await run(peers.go.crane, [...args, '--insecure'], options)).stdout
}

/** Digests that a run attested: what it pushed, and each platform's manifest once. */
export function attestedOf({ outputs, result }: StepResult): readonly string[] {
  return [...new Set([outputs.digest ?? '', ...(result.image?.platforms ?? []).map(({ digest }) => digest)])]
}

/**
 * That `repository` serves for the tag what the run said, and every digest byte for byte, and that cosign 3 accepts each.
 * @returns how many, or what is wrong.
 */
export async function confirmed(world: World, step: StepResult, repository: string, tag = 'v1'): Promise<string> {
  const digests = attestedOf(step)
  const tagged = String(await crane(world, ['digest', `${repository}:${tag}`])).trim()
  if (tagged !== step.outputs.digest) return `the tag is ${tagged}, not ${step.outputs.digest}`
  const wrong = await Promise.all(digests.map(digest => wrongWith(world, pinned(repository, digest), digest)))
  return wrong.find(text => text !== undefined) ?? `${digests.length} confirmed`
}

async function wrongWith(world: World, image: string, digest: string): Promise<string | undefined> {
  const { identity, issuer } = expectedOf(world)
  const [said, bytes, verified] = await Promise.all([
    crane(world, ['digest', image]),
    crane(world, ['manifest', image]),
    cosign(world, 'cosign3', [
      'verify',
      `--certificate-identity=${identity}`,
      `--certificate-oidc-issuer=${issuer}`,
      `--trusted-root=${world.stack.trustedRootFile}`,
      image,
    ]),
  ])
  if (String(said).trim() !== digest) return `${image}: crane says ${String(said).trim()}`
  const hashed = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  if (hashed !== digest) return `${image}: its bytes are ${hashed}`
  return verified.code === 0 ? undefined : `${image}: cosign ended with ${verified.code}: ${verified.log}`
}
