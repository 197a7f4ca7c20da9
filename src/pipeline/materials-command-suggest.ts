import { isCanonicalUri } from '../policy/uri-pattern.ts'
import type { WorldEntry, WorldItem } from '../report/closed-world.ts'

interface World {
  readonly pulls: readonly WorldEntry[]
  readonly items: readonly WorldItem[]
}

/** Rules for a policy that has none: what is there today, pinned. Who signs it nobody can tell from here. */
export function suggestedRules(world: World): readonly string[] {
  const names = wanted(world, () => true)
  const images = [...new Set(names.images.map(imagePattern))].sort()
  const uris = [...new Set(names.uris)].sort()
  return [
    ...(images.length === 0 ? [] : ['base-images:', ...images.map(baseRule)]),
    ...(uris.length === 0 ? [] : ['materials:', ...uris.map(uriRule)]),
  ]
}

/** Rules for what no rule of the policy matches. */
export function missingRules(world: World): readonly string[] {
  const names = wanted(world, ({ findings }) => findings.some(({ code }) => code === 'policy/no-rule'))
  const images = [...new Set(names.images.map(repositoryOf))].sort()
  const uris = [...new Set(names.uris)].sort()
  return [
    ...(images.length === 0 ? [] : ['base-images:', ...images.map(baseRule)]),
    ...(uris.length === 0 ? [] : ['materials:', ...uris.map(uriRule)]),
  ]
}

function wanted(
  { pulls, items }: World,
  take: (entry: Pick<WorldEntry, 'findings'>) => boolean,
): { readonly images: readonly string[]; readonly uris: readonly string[] } {
  const named = [
    ...pulls.filter(entry => entry.needed && take(entry)).flatMap(({ name = '' }) => name),
    ...items.filter(take).map(({ uri }) => uri.replace(/^docker-image:\/\//, '')),
  ]
  // Of what has another spelling no rule can match, and none is proposed.
  const uris = named.filter(isCanonicalUri)
  return { images: named.filter(name => /^[^/]+[.:\]][^/]*\/|^localhost\//.test(name) && !name.includes('://')), uris }
}

/** Docker's official images share one rule; of anybody else's each repository has its own. */
function imagePattern(name: string): string {
  return name.startsWith('docker.io/library/') ? 'docker.io/library/**' : repositoryOf(name)
}

function repositoryOf(name: string): string {
  const [path = ''] = name.split('@')
  return path.replace(/:[^/:]*$/, '')
}

function baseRule(pattern: string): string {
  return `  - {match: "${pattern}", digest-lock: true}`
}

function uriRule(uri: string): string {
  return `  - {match: ${JSON.stringify(uri)}}`
}
