import type { AllowedImage, AllowedMaterials } from '../build/allowed.ts'
import { asWaybillError } from '../core/error.ts'
import { readDockerfile } from '../materials/dockerfile/instructions.ts'
import { pullsOf } from '../materials/dockerfile/pulls.ts'
import type { MaterialItem } from '../materials/manifest/item.ts'
import { baseImageRule } from '../policy/base-images.ts'
import { formatReference } from '../registry/reference.ts'
import { judgeAdds } from './materials-adds.ts'
import { contextsOf, declaredImages } from './materials-bring.ts'
import type { JudgedFiles } from './materials-command-request.ts'
import { declaredKey } from './materials-images.ts'
import { imagesNamed, type NamedImage } from './materials-images-named.ts'
import type { FetchedMaterial } from './materials-outcome.ts'

/** What would be allowed to enter, as far as files alone say it. */
export interface KnownMaterials {
  readonly allowed: AllowedMaterials
  /** What a build needs and is not in it, each with the reason. */
  readonly missing: readonly string[]
}

/**
 * The closed world before anybody was asked: things with a digest in Dockerfile or manifest and a rule that does not deny them.
 * Nothing of it was verified; it is for looking at what a builder would be told (4-materials § 4).
 * @throws `materials/dockerfile-malformed`, `materials/too-many-references`
 */
export function knownMaterials({ dockerfile, builds, manifest, policy }: JudgedFiles): KnownMaterials {
  const items = manifest?.items ?? []
  const rules = policy.law.policy
  const fetched = items.flatMap(presumed)
  const contexts = contextsOf(items, fetched)
  const file = readDockerfile(dockerfile.bytes)
  const all = builds
    .map(options => ({ ...options, contexts }))
    .map(options => ({ options, pulls: pullsOf(file, options) }))
  const pulls = all.flatMap(build => build.pulls)
  const { images, misnamed } = imagesNamed(all, { path: dockerfile.path, more: [] })
  const { declared } = declaredImages(manifest)
  const missing = misnamed.map(({ name, error }) => `${name}: ${error.message}`)
  const allow = (image: NamedImage): readonly AllowedImage[] => {
    const { reference, names, use } = image
    const digest = reference.digest ?? declared.get(declaredKey(reference))
    try {
      const rule = baseImageRule(rules, formatReference(reference))
      if (digest !== undefined) return [{ reference, digest, names: [...names], use, private: rule.private }]
      missing.push(`${formatReference(reference)}: its digest is in no file; a run looks it up`)
    } catch (error) {
      missing.push(`${formatReference(reference)}: ${asWaybillError(error).message}`)
    }
    return []
  }
  const allowed = images.flatMap(allow)
  const adds = judgeAdds(pulls, fetched, rules, dockerfile.path)
  missing.push(...adds.judged.flatMap(({ name, findings }) => findings.map(({ message }) => `${name}: ${message}`)))
  const { urls, repositories } = adds
  return { allowed: { images: allowed, urls, repositories, contexts, pulls }, missing }
}

/** As if it had been fetched and were what the manifest says. */
function presumed(item: MaterialItem): readonly FetchedMaterial[] {
  if (item.uri.kind === 'image' || item.digest.size === 0) return []
  const kind = item.uri.kind
  const told = { name: item.name, kind, uri: item.uri.canonical, places: [], findings: [] } as const
  return [
    {
      item,
      judged: { ...told, digest: Object.fromEntries(item.digest), verdict: 'passed', proof: { kind: 'digest' } },
    },
  ]
}
