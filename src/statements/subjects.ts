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
 * An index may list a platform more than once (Windows, by version of the system): from the second on the digest is in the name.
 */
export function imageSubjects(image: ImageSubjects): readonly [Subject, ...Subject[]] {
  const [repository, ...others] = image.repositories
  return [
    subject(repository, image.digest),
    ...others.map(other => subject(other, image.digest)),
    ...platformSubjects(repository, image.platforms),
  ]
}

function platformSubjects(repository: string, platforms: ImageSubjects['platforms']): readonly Subject[] {
  const named = new Map<string, Digest>()
  for (const { platform, digest } of platforms) {
    let name = `${repository}#${platform}`
    // What an index calls a platform is its author's text: it may even look like the name of another one.
    while (named.has(name) && named.get(name) !== digest) name += `@${digest}`
    named.set(name, digest)
  }
  return [...named].map(([name, digest]) => subject(name, digest))
}

function subject(name: string, digest: Digest): Subject {
  return { name, digest: { sha256: hexOf(digest) } }
}
