import type { Environment } from '../io/environment.ts'
import type { BuildResult } from './builder.ts'
import { usesGha } from './caches.ts'
import type { BuildRequest } from './request.ts'

type Options = Pick<BuildRequest, 'secrets' | 'ssh' | 'cacheFrom' | 'cacheTo'>

/**
 * With a secret or an agent RUN steps fetch what nobody else can see, whatever the builder's policy says of images and downloads
 * (13-adversary 19).
 */
export function openedBy({ secrets = [], ssh = [] }: Options): Pick<BuildResult, 'opened'> {
  const opened = [...secrets.map(({ id }) => `secret ${id}`), ...ssh.map(({ id }) => `ssh agent ${id}`)]
  return opened.length === 0 ? {} : { opened }
}

/** For the summary. @param opened as `openedBy` names it. */
export function openedNotes(opened: readonly string[]): readonly string[] {
  if (opened.length === 0) return []
  return [
    `RUN steps were given: ${opened.join(', ')}. What they fetched with that nobody checked, so the build is not stated as closed.`,
  ]
}

/** Sentences for the summary. */
export function optionNotes(request: Options): readonly string[] {
  const { opened = [] } = openedBy(request)
  const { cacheFrom = [], cacheTo = [] } = request
  const notes = [...openedNotes(opened)]
  const registries = cacheFrom.filter(entry => !usesGha([entry]))
  if (registries.length > 0)
    notes.push(
      `Layers can come from ${registries.join(' and ')}: whoever may write there decides what is in them, and nobody checked it.`,
    )
  if (usesGha(cacheFrom))
    notes.push(
      'Layers can come from the cache that GitHub keeps for the repository (type=gha), which other branches may write: nobody checked what is in them.',
    )
  if (usesGha(cacheTo))
    notes.push(
      'Layers were kept in the cache that GitHub keeps for the repository (type=gha), which other branches may read and write.',
    )
  return notes
}

/**
 * The runner's own way to GitHub's cache: for the one call that builds, and only where an entry needs it (5-build § 1).
 * Source: buildx 0.29.1 `build/opt.go`.
 */
const CACHE_VARIABLES = [
  'ACTIONS_RUNTIME_TOKEN',
  'ACTIONS_RESULTS_URL',
  'ACTIONS_CACHE_URL',
  'ACTIONS_CACHE_SERVICE_V2',
] as const

export function cacheVariables(env: Environment, { cacheFrom = [], cacheTo = [] }: Options): Record<string, string> {
  if (!usesGha([...cacheFrom, ...cacheTo])) return {}
  return Object.fromEntries(
    CACHE_VARIABLES.flatMap(name => {
      const value = env[name]
      return value === undefined || value === '' ? [] : [[name, value]]
    }),
  )
}
