import type { FieldReader } from './fields.ts'
import type { MaterialUri, Use } from './item.ts'
import type { Field } from './yaml.ts'

const KINDS = [
  'dockerfile-add',
  'base-image',
  'builder',
  'sbom-generator',
  'build-context',
  'path',
  'submodule',
  'unpack',
]

/** Which use a kind of material can have. */
const FITS: Readonly<Record<MaterialUri['kind'], readonly Use['kind'][]>> = {
  url: ['dockerfile-add', 'path'],
  image: ['base-image', 'builder', 'sbom-generator', 'build-context'],
  git: ['dockerfile-add', 'build-context', 'submodule'],
  artifact: ['path'],
}

export function readUse(reader: FieldReader, field: Field, uri: MaterialUri): Use {
  const fields = reader.map(field, KINDS)
  const [entry, second] = [...fields].filter(([key]) => key !== 'unpack')
  if (entry === undefined || second !== undefined)
    throw reader.wrong(field, 'must have exactly one use', `one of ${KINDS.slice(0, -1).join(', ')}`)
  const [kind, value] = entry
  const fits = FITS[uri.kind]
  if (!fits.some(fit => fit === kind)) throw reader.wrong(value, 'does not fit what the uri names', fits.join(' or '))
  const unpack = fields.get('unpack')
  if (kind === 'path') {
    const how = unpack === undefined ? undefined : reader.matching(unpack, /^(?:tar|zip)$/, 'tar or zip')
    return { kind, path: safePath(reader, value), ...(how === 'tar' || how === 'zip' ? { unpack: how } : {}) }
  }
  if (unpack !== undefined) throw reader.wrong(unpack, 'is only for a path', 'path: …')
  if (kind === 'submodule') return { kind, path: safePath(reader, value) }
  if (kind === 'build-context')
    return { kind, context: reader.matching(value, /^[a-z0-9][a-z0-9._-]{0,127}$/, 'a lower-case name') }
  reader.true(value)
  return { kind: kind === 'base-image' || kind === 'builder' || kind === 'sbom-generator' ? kind : 'dockerfile-add' }
}

/**
 * A path inside the build context. Refused is whatever leads out of it on any system, or into git's own files, by each of the
 * spellings that some file system takes for `.git`.
 */
export function safePath(reader: FieldReader, field: Field): string {
  const path = reader.text(field)
  const parts = path.split('/')
  const bad = parts.some(
    part =>
      part === '' ||
      /^\.+$/.test(part) ||
      /[. ]$/.test(part) ||
      /^(?:\.git|git~[0-9]+)$/i.test(part) ||
      /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i.test(part),
  )
  if (bad || path.length > 1024 || /[\\:*?"<>|]/.test(path))
    throw reader.wrong(
      field,
      'is no path inside the build context',
      'vendor/name, without .., .git or a leading /',
      path,
    )
  return path
}
