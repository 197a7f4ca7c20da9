import { fail } from '../core/error.ts'
import type { Expectation } from './expectation.ts'
import { type ExpectedGithub, GITHUB_ISSUER, GITHUB_SERVER } from './expected.ts'
import { imageName } from './image-name.ts'
import { compilePattern } from './match.ts'
import type { DockerBase } from './material-rules.ts'
import type { Policy, Revocation } from './policy.ts'

/** Where an image of Docker's is built from. */
interface Origin {
  readonly repository: string
  /** Refs of releases: several images come from one repository, and none must pass for another. */
  readonly tags: string
}

/**
 * The images that Docker signs and a build may use without anybody naming them, with the repository that each is released from.
 * Source: docker/buildx `policy/default.rego`. Everything else that `docker/github-builder` signed was signed for whoever called
 * it (13-adversary 28), and a rule with `signers` has to say who that is.
 */
const ORIGINS: ReadonlyMap<string, Origin> = new Map([
  ['docker.io/docker/dockerfile', { repository: 'moby/buildkit', tags: 'refs/tags/dockerfile/**' }],
  ['docker.io/docker/dockerfile-upstream', { repository: 'moby/buildkit', tags: 'refs/tags/dockerfile/**' }],
  ['docker.io/moby/buildkit', { repository: 'moby/buildkit', tags: 'refs/tags/v*' }],
  ['docker.io/docker/buildkit-syft-scanner', { repository: 'docker/buildkit-syft-scanner', tags: 'refs/tags/**' }],
])

/** Reusable workflows that build and sign; called by commit, so that the ref in their identity says nothing. */
const WORKFLOWS = ['bake.yml', 'build.yml'].map(name => `docker/github-builder/.github/workflows/${name}`)

/**
 * Who must have signed the attestation manifest of an image under `docker: true`, one expectation for each workflow of Docker's
 * builder; any one is enough. The certificate is of Sigstore's public instance, issued to a workflow of `docker/github-builder`
 * on a hosted runner, called by a tagged release of the image's own repository.
 * Source: moby/policy-helpers `types/name.go`, docker/buildx `policy/builtins.rego`.
 * @param canonical `host/repository`, with or without tag and digest.
 * @throws `policy/docker-unknown` for an image of which nobody says where Docker builds it.
 */
export function dockerExpectations(
  rule: DockerBase,
  canonical: string,
  law: Pick<Policy, 'quarantined' | 'revoked'>,
  revoked: readonly Revocation[] = [],
): readonly Expectation[] {
  const name = imageName(canonical) ?? canonical
  const origin = ORIGINS.get(name)
  if (origin === undefined)
    throw fail('policy/docker-unknown', `docker: true cannot say who must have signed ${name}`, {
      expected: [...ORIGINS.keys()].join(', '),
      found: name,
      remedy: `Write a rule of its own above it, for example: - {match: "${name}", digest-lock: true}`,
    })
  return WORKFLOWS.map(path => ({
    build: signerOf(origin, path),
    require: ['signature'],
    stage: 'deploy',
    sourceMode: 'any',
    trust: 'public-good',
    quarantined: law.quarantined,
    resource: name,
    private: rule.private,
    revoked: [...law.revoked, ...revoked],
    description: `Docker's signature for ${origin.repository} (${path})`,
  }))
}

function signerOf({ repository, tags }: Origin, path: string): ExpectedGithub {
  const pattern = compilePattern(tags)
  if (pattern === undefined) throw new TypeError(`${tags} is no pattern`)
  return {
    kind: 'github',
    repository,
    repositoryId: 'any',
    signer: { path, at: { any: true }, text: `${path}@…` },
    caller: 'any',
    sourceRef: [pattern],
    runner: 'github-hosted',
    issuer: GITHUB_ISSUER,
    server: GITHUB_SERVER,
  }
}
