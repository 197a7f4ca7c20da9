import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { contextName } from '../materials/dockerfile/contexts.ts'
import { formatReference, parseReference } from '../registry/reference.ts'
import type { BuildRequest } from './request.ts'
import { treePath } from './tree-path.ts'

/** Before a folder of the commit, of which only the builder's door knows where it was written. */
export const COMMIT_CONTEXT = 'commit:'
const IMAGE_CONTEXT = 'docker-image://'
const NAME = /^[A-Za-z0-9][A-Za-z0-9._/:@+-]{0,254}$/
/** What a builder would fetch or read by itself. Source: buildx 0.29.1 `build/opt.go`, BuildKit 0.26.3 `dockerui/namedcontext.go`. */
const FOREIGN = /^(?:[a-z][a-z0-9+.-]*:|git@|[^/]*@[^/]*:)/i

/**
 * Named contexts as somebody wrote them, as a request has them: name → `commit:<folder>` or `docker-image://<reference>`.
 * @throws `build/context-refused` for what is neither or has a name twice, `build/request-malformed` for what is no name,
 * `build/path-escapes`, `registry/reference-malformed`
 */
export function readContexts(given: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const taken = new Set<string>()
  for (const [name, value] of given) {
    if (!NAME.test(name))
      throw fail('build/request-malformed', 'The name of a build context is not acceptable', {
        expected: 'a name or an image as the Dockerfile says it',
        found: name,
      })
    if (taken.has(contextName(name))) throw contextTwice(name, 'build-contexts')
    taken.add(contextName(name))
    found.set(name, readContext(name, value))
  }
  return found
}

/** Two spellings of one name are one name to the builder, and one of the two would win. */
export function contextTwice(name: string, where: string): Error {
  return fail('build/context-refused', `The build context ${printable(name, 200)} is named twice`, {
    expected: 'one place that says what it is',
    found: where,
    remedy: `Remove ${printable(name, 200)} from the input build-contexts, or from the materials manifest.`,
  })
}

function readContext(name: string, value: string): string {
  if (value.startsWith(IMAGE_CONTEXT)) {
    const reference = parseReference(value.slice(IMAGE_CONTEXT.length))
    const named = reference.tag !== undefined || reference.digest !== undefined
    return `${IMAGE_CONTEXT}${formatReference(named ? reference : { ...reference, tag: 'latest' })}`
  }
  if (FOREIGN.test(value))
    throw fail('build/context-refused', `The build context ${name} is neither a folder of the commit nor an image`, {
      expected: `${name}=path/in/the/commit, or ${name}=docker-image://host/path:tag`,
      found: printable(value, 200),
    })
  const path = treePath(value)
  if (path === undefined)
    throw fail('build/path-escapes', `The build context ${name} is no path inside the repository`, {
      expected: 'a relative path without ..',
      found: printable(value, 200),
    })
  return `${COMMIT_CONTEXT}${path}`
}

/**
 * Flags for the named contexts of a build: a folder of this run, or an image, where the build is closed by its digest; nothing
 * that would be fetched from elsewhere. @throws `build/request-malformed`
 */
export function contextFlags({ allowed, contexts = new Map() }: BuildRequest): readonly string[] {
  const image =
    allowed === undefined ? /^docker-image:\/\/[a-z0-9[][^=,\s]+$/ : /^docker-image:\/\/[^=]+@sha256:[0-9a-f]{64}$/
  return [...(allowed?.contexts ?? contexts)].map(([name, source]) => {
    if (!NAME.test(name) || !(source.startsWith('/') || image.test(source)))
      throw fail('build/request-malformed', 'A named context is not acceptable', {
        expected: 'a name, and an image by its digest or an absolute folder',
        found: `${name}=${source}`,
      })
    return `--build-context=${name}=${source}`
  })
}
