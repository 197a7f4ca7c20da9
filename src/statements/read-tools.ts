import { parseDigest } from '../core/digest.ts'
import type { JsonObject } from '../core/json.ts'
import { arrayAt, objectAt, optional, stringAt, stringMapAt } from '../core/shape.ts'
import { reading } from './parse.ts'
import type { Tool } from './provenance.ts'

/** Under this name the provenance tells our own version. */
const OWN = 'waybill'

/**
 * The programs that built, as a provenance of ours names them: the inverse of what `provenanceStatement` writes.
 * @throws `statements/provenance-malformed`
 */
export function readTools(predicate: JsonObject): readonly Tool[] {
  return reading('statements/provenance-malformed', () => {
    const builder = objectAt(objectAt(predicate.runDetails, 'runDetails').builder, 'builder')
    const versions = stringMapAt(optional(builder.version, objectAt, 'builder.version') ?? {}, 'builder.version')
    const hashed = arrayAt(builder.builderDependencies ?? [], 'builderDependencies').map((item, at) => {
      const dependency = objectAt(item, `builderDependencies[${at}]`)
      const name = stringAt(dependency.name, `builderDependencies[${at}].name`)
      return [name, parseDigest(`sha256:${stringMapAt(dependency.digest, 'digest').sha256 ?? ''}`)] as const
    })
    const known = hashed.map(([name, digest]) => ({ name, version: versions[name] ?? '', digest }))
    const others = Object.entries(versions).filter(([name]) => name !== OWN && !hashed.some(([of]) => of === name))
    return [...known, ...others.map(([name, version]) => ({ name, version }))]
  })
}
