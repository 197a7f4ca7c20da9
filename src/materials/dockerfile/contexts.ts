import type { PullOptions } from './pull.ts'

/**
 * The named context that stands in for a name, if there is one: `alpine` for `alpine`, `alpine:latest` and
 * `docker.io/library/alpine`; one for a platform before one for all.
 * Source: docs.docker.com/build § named contexts; run with BuildKit 0.26.3.
 * @param platform absent: that which is built for.
 */
export function contextFor(name: string, platform: string | undefined, options: PullOptions): string | undefined {
  if (options.contexts.size === 0) return undefined
  const wanted = familiar(name)
  const forPlatform = `${wanted}::${normalPlatform(platform ?? options.targetPlatform)}`
  const contexts = new Map([...options.contexts].map(([given, source]) => [contextName(given), source]))
  return contexts.get(forPlatform) ?? contexts.get(wanted)
}

/** One spelling of the name of a named context, `name` or `name::platform`. */
export function contextName(given: string): string {
  const [name = '', platform] = given.split('::')
  return platform === undefined ? familiar(name) : `${familiar(name)}::${normalPlatform(platform)}`
}

/** A reference in its shortest form: without Docker Hub's name, its `library/`, and `:latest`. */
function familiar(name: string): string {
  const short = name.replace(/^(?:index\.)?docker\.io\//, '')
  return short.replace(/^library\/(?=[^/]+$)/, '').replace(/:latest$/, '')
}

/** Spellings of one platform, as containerd brings them together. */
export function normalPlatform(platform: string): string {
  const [os = '', given = '', variant] = platform.toLowerCase().split('/')
  const architecture = { x86_64: 'amd64', 'x86-64': 'amd64', aarch64: 'arm64' }[given] ?? given
  const usual = { amd64: 'v1', arm64: 'v8' }[architecture]
  const kept = architecture === 'arm' ? (variant ?? 'v7') : variant === usual ? undefined : variant
  return [os, architecture, ...(kept === undefined ? [] : [kept])].join('/')
}
