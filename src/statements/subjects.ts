import { type Digest, hexOf } from '../core/digest.ts'
import type { Subject } from './statement.ts'

/** An image as the registries serve it: one digest under one or more repositories. */
export interface ImageSubjects {
  /** Canonical repositories, `ghcr.io/acme/app`; the first names the platforms. */
  readonly repositories: readonly [string, ...string[]]
  readonly digest: Digest
  /** Manifests the index lists for a platform; empty when `digest` is itself a platform manifest. */
  readonly platforms: readonly { readonly platform: string; readonly digest: Digest }[]
}

/**
 * The subjects of an image's statements: the index in each repository and every platform manifest, each with a name of
 * its own (`repo`, `repo#linux/amd64`). Admission looks at the index, other tools at the platform manifest (5-build § 2).
 */
export function imageSubjects(image: ImageSubjects): readonly [Subject, ...Subject[]] {
  const [repository, ...others] = image.repositories
  return [
    subject(repository, image.digest),
    ...others.map(other => subject(other, image.digest)),
    ...image.platforms.map(({ platform, digest }) => subject(`${repository}#${platform}`, digest)),
  ]
}

function subject(name: string, digest: Digest): Subject {
  return { name, digest: { sha256: hexOf(digest) } }
}
