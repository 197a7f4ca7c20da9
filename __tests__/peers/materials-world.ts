import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Digest } from '../../src/core/digest.ts'
import { parseDigest } from '../../src/core/digest.ts'
import type { RegistryName } from '../../tools/peers/registries.ts'
import type { ClaimOverrides } from '../fakes/claims.ts'
import { repositoryOf } from '../fakes/github.ts'
import { TestRepository } from '../fakes/repository.ts'
import { type Inputs, policyOf, type StepResult } from '../fakes/scenario.ts'
import { attachAttested, attestedBundle } from './attested.ts'
import { pushBase } from './building.ts'
import { type KeyFiles, signImage } from './signing.ts'
import { attest, pinned, repositoryIn, type World } from './world.ts'

/** The manifest of materials. */
export const MANIFEST = '.github/waybill.materials.yml'

/** A base image in one of the registries: `name` is `host/acme/base-…:1`. */
export interface Base {
  readonly name: string
  readonly repository: string
  readonly digest: Digest
}

/** Who signs base images: a repository with an id of its own, not the one that builds upon them. */
export const IMAGES: ClaimOverrides = { repository: 'acme/images', repository_id: '4712' }

/** An image of busybox and a file that says which, as `pushBase` makes it. Nobody has signed it. */
export async function newBase(world: World, registry: RegistryName, name: string): Promise<Base> {
  const { folder, peers, registries } = world.stack
  const { host } = registries[registry]
  const digest = await pushBase({ folder, peers, registry: { host } }, `acme/base-${name}:1`, name)
  return { name: `${host}/acme/base-${name}:1`, repository: `${host}/acme/base-${name}`, digest }
}

export type Way = 'cosign3' | 'cosign2' | 'key' | 'attest'

/** Signs as its makers would. */
export async function signBase(world: World, way: Way, base: Base, key: KeyFiles): Promise<void> {
  const image = pinned(base.repository, base.digest)
  if (way === 'cosign3') return signImage(world, 'cosign3', 'sign', image, { claims: IMAGES })
  if (way === 'cosign2') return signImage(world, 'cosign2', 'sign', image)
  if (way === 'key') return signImage(world, 'cosign3', 'sign', image, { key })
  const subjects = [{ name: base.repository, digest: base.digest }]
  const bundle = await attestedBundle(world, { subjects, claims: IMAGES, github: true })
  return attachAttested('referrers', base.repository, base.digest, bundle)
}

/** A second project, whose own run of the action made and signed a base image. */
export interface Project {
  readonly base: Base
  readonly anchor: string
}

const PROJECT: ClaimOverrides = { repository: 'acme/base', repository_id: '4713' }

/** Into the registry that asks for a login, with everything that the action signs. */
export async function publishProject(world: World): Promise<Project> {
  const { stack, alice, bob } = world
  const repository = new TestRepository(join(stack.folder, 'base-project'))
  const anchor = repository.commit({
    message: 'Begin',
    signer: alice,
    files: {
      '.github/waybill.yml': policyOf(alice, bob),
      'busybox.sh': readFileSync(stack.peers.debian.busybox),
    },
  })
  // The anchor is accepted as it is; what comes after it is judged.
  const sha = repository.commit({
    message: 'Build a base image',
    signer: alice,
    files: { Dockerfile: 'FROM scratch\nCOPY busybox.sh /bin/busybox\nENV PATH=/bin\n' },
  })
  await stack.git.publish(repository.folder, 'acme/base')
  stack.github.repositories.set(...repositoryOf(stack.oidc.claims(PROJECT)))
  const target = repositoryIn(world, 'debian', 'base')
  const inputs = { builder: 'buildx', images: target, tags: '1', since: anchor }
  const step = await attest(world, inputs, { claims: { ...PROJECT, sha } })
  if (step.code !== 0) throw new Error(step.log)
  return { anchor, base: { name: `${target}:1`, repository: target, digest: parseDigest(step.outputs.digest ?? '') } }
}

/** Alice says what may go into a build. @param files more of them, below `.github/`. */
export async function setRules(world: World, rules: string, files: Readonly<Record<string, string>> = {}) {
  const { repository, stack, alice, bob } = world
  const own = Object.entries(files).map(([path, text]) => [`.github/${path}`, text])
  repository.commit({
    message: 'Say what may go into a build',
    signer: alice,
    files: {
      '.github/waybill.yml': policyOf(alice, bob, rules),
      '.github/trust/root.json': readFileSync(stack.trustedRootFile, 'utf8'),
      ...Object.fromEntries(own),
    },
  })
  await world.publish()
}

/** Bob says what is built. `null` removes a file. */
export async function setBuild(world: World, files: Readonly<Record<string, string | null>>) {
  const { repository, bob } = world
  repository.commit({ message: 'Change what is built', signer: bob, name: 'Bob', email: 'bob@example.com', files })
  await world.publish()
}

export type Builder = 'buildx' | 'buildah'

/** Code of the error that ended it, or nothing. */
export function codeOf(step: StepResult): string | undefined {
  return step.result.error?.code
}

export function run(world: World, builder: Builder, inputs: Inputs = {}): Promise<StepResult> {
  return attest(world, { builder, tags: 'v1', ...inputs })
}
