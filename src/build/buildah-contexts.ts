import { contextName } from '../materials/dockerfile/contexts.ts'
import type { ReadDockerfile } from '../materials/dockerfile/instructions.ts'
import type { PullOptions } from '../materials/dockerfile/pull.ts'
import { pullsOf } from '../materials/dockerfile/pulls.ts'
import { stagesOf } from '../materials/dockerfile/stages.ts'
import { notWithBuildah, readDifferently } from './buildah-refusal.ts'

/**
 * Refuses names to which BuildKit and buildah answer differently, because materials are judged as BuildKit reads: with buildah 1.28 a
 * stage keeps its own FROM though a named context is called like it, FROM does not look into folders, and a name is compared as it
 * stands. Each would bring in an image that nobody looked at (13-adversary 18). Run with buildah 1.28.
 * @throws `materials/read-differently`, `materials/not-with-buildah`
 */
export function checkContextNames(file: ReadDockerfile, options: PullOptions): void {
  const { contexts } = options
  if (contexts.size === 0) return
  const taken = new Set([...contexts.keys()].map(name => (contextName(name).split('::')[0] ?? '').toLowerCase()))
  for (const { name, base, line } of stagesOf(file, options).stages) {
    if (name !== undefined && taken.has(name))
      throw readDifferently(line, `calls a stage ${name}, as a named context is called`, {
        expected: 'a name that nothing else has',
        found: name,
      })
    if (contexts.get(base)?.startsWith('/') === true)
      throw notWithBuildah(line, `builds on the named context ${base}, which is a folder`, {
        expected: 'FROM scratch and COPY --from with the name of the context',
        found: base,
      })
  }
  for (const { how, line, written, source } of pullsOf(file, options))
    if (how === 'context' && contexts.get(written) !== source)
      throw notWithBuildah(line, `takes the named context behind ${written} in another spelling`, {
        expected: [...contexts.keys()].join(', '),
        found: written,
      })
}
