import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClaimOverrides } from '../fakes/claims.ts'
import { type Cosign, cosign, type World } from './world.ts'

export interface KeyFiles {
  readonly privateFile: string
  readonly publicFile: string
}

/** Who signs, and where that is logged. Without a key: a run of the scenario's workflow, with a certificate. */
export interface Signing {
  readonly claims?: ClaimOverrides
  readonly key?: KeyFiles
  readonly rekor?: 1 | 2 | 'none'
  /** Certificates for https://github.com instead of the stack's git server. */
  readonly github?: boolean
  /** More flags of cosign. */
  readonly flags?: readonly string[]
}

/** A key pair as `cosign generate-key-pair` writes it; its password is in the environment of every cosign that the ring runs. */
export async function makeKey(world: World, name: string): Promise<KeyFiles> {
  const prefix = join(world.stack.folder, name)
  await mustSign(world, 'cosign3', ['generate-key-pair', `--output-key-prefix=${prefix}`])
  return { privateFile: `${prefix}.key`, publicFile: `${prefix}.pub` }
}

export type Signs = 'sign' | 'attest'

/**
 * Signs an image with what each cosign takes for granted: version 2 writes `.sig` and `.att` tags, version 3 bundles as referrers.
 * @param predicate for `attest`, a file; its type is cosign's own unless the flags name another.
 */
export async function signImage(
  world: World,
  version: Cosign,
  signs: Signs,
  image: string,
  signing: Signing = {},
): Promise<void> {
  const registry = version === 'cosign2' ? ['--allow-insecure-registry'] : []
  const flags = await flagsOf(world, version, signing)
  await mustSign(world, version, [signs, '--yes', ...registry, ...flags, image])
}

/** Signs a file as a message or as the subject of a statement. @returns the bundle's path. */
export async function signFile(
  world: World,
  version: Cosign,
  signs: Signs,
  file: string,
  signing: Signing = {},
): Promise<string> {
  const bundle = join(world.stack.folder, `${randomUUID()}.sigstore.json`)
  const form = version === 'cosign2' ? ['--new-bundle-format'] : []
  const flags = await flagsOf(world, version, signing)
  // A statement that is given names its subjects itself.
  const about = signing.flags?.some(flag => flag.startsWith('--statement=')) ? [] : [file]
  await mustSign(world, version, [`${signs}-blob`, '--yes', ...form, `--bundle=${bundle}`, ...flags, ...about])
  return bundle
}

/** Writes a file into the stack's folder. @returns its path. */
export function fileOf(world: World, name: string, content: string | Uint8Array): string {
  const path = join(world.stack.folder, name)
  writeFileSync(path, content)
  return path
}

async function flagsOf(world: World, version: Cosign, signing: Signing): Promise<readonly string[]> {
  const { stack } = world
  const { claims = {}, key, flags = [] } = signing
  const by = key === undefined ? [`--identity-token=${await stack.oidc.mint(claims)}`] : [`--key=${key.privateFile}`]
  return [...(version === 'cosign2' ? legacyServices(world, signing) : await services(world, signing)), ...by, ...flags]
}

function legacyServices({ stack }: World, { key, rekor = 1, github }: Signing): readonly string[] {
  if (rekor === 2) throw new Error('cosign 2 is told of Rekor v2 by a signing config only')
  return [
    ...(rekor === 'none' ? ['--tlog-upload=false'] : [`--rekor-url=${stack.rekorV1.url}`]),
    `--timestamp-server-url=${stack.timestamp.url}`,
    `--trusted-root=${stack.trustedRootFile}`,
    ...(key === undefined ? [`--fulcio-url=${(github ? stack.githubFulcio : stack.fulcio).url}`] : []),
  ]
}

async function services({ stack }: World, { rekor = 1, github }: Signing): Promise<readonly string[]> {
  const log = rekor === 2 ? stack.rekorV2 : stack.rekorV1
  const config = await stack.signingConfig(`cosign-${randomUUID()}.json`, {
    rekor: rekor === 'none' ? 'none' : { url: log.url, version: rekor },
    ...(github ? { fulcio: stack.githubFulcio.url } : {}),
  })
  return [`--signing-config=${config}`, `--trusted-root=${stack.trustedRootFile}`]
}

async function mustSign(world: World, version: Cosign, args: readonly string[]): Promise<void> {
  const { code, log } = await cosign(world, version, args)
  expect(`${code} ${code === 0 ? '' : log}`).toBe('0 ')
}
