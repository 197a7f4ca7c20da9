import { LIMITS } from '../../core/limits.ts'
import { FieldReader } from './fields.ts'
import type { DigestName, MaterialItem, MaterialUri, Verify } from './item.ts'
import { readUri, readUrl } from './uri.ts'
import { readUse } from './use.ts'
import { readVerify } from './verify-kinds.ts'
import { type Field, readManifestYaml } from './yaml.ts'

const ITEM = ['name', 'uri', 'mirrors', 'digest', 'size', 'verify', 'use']
const HEX: Readonly<Record<DigestName, RegExp>> = {
  sha256: /^[0-9a-f]{64}$/,
  sha512: /^[0-9a-f]{128}$/,
  gitCommit: /^[0-9a-f]{40}$/,
}

/**
 * `.github/waybill.materials.yml`, version 1 (4-materials § 5). It can only add to what the policy allows.
 * @throws `materials/manifest-unusable` naming file, line and column.
 */
export function parseManifest(bytes: Uint8Array, path: string): readonly MaterialItem[] {
  const reader = new FieldReader(path)
  const root = readManifestYaml(bytes, path)
  const fields = reader.map(root, ['version', 'materials'])
  reader.matching(reader.required(root, fields, 'version'), /^1$/, '1')
  const list = reader.list(reader.required(root, fields, 'materials'), LIMITS.materials)
  const items = list.map(field => itemOf(reader, field))
  for (const [what, keyOf] of DISTINCT) refuseTwice(reader, list, items.map(keyOf), what)
  refuseNested(reader, list, items)
  return items
}

/** What no two items may share; names and paths in any case of letters, because some file systems see one. */
const DISTINCT: readonly (readonly [string, (item: MaterialItem) => string | undefined])[] = [
  ['name', ({ name }) => name.toLowerCase()],
  // One repository may be a submodule at several places.
  ['uri', ({ uri, use }) => (use.kind === 'submodule' ? undefined : uri.canonical)],
  ['use.path', ({ use }) => (use.kind === 'path' ? use.path.toLowerCase() : undefined)],
  ['use.build-context', ({ use }) => (use.kind === 'build-context' ? use.context : undefined)],
  ['use.submodule', ({ use }) => (use.kind === 'submodule' ? use.path.toLowerCase() : undefined)],
  // A build has one of each.
  ['use.builder', ({ use }) => (use.kind === 'builder' ? 'true' : undefined)],
  ['use.sbom-generator', ({ use }) => (use.kind === 'sbom-generator' ? 'true' : undefined)],
]

function refuseTwice(
  reader: FieldReader,
  fields: readonly Field[],
  keys: readonly (string | undefined)[],
  what: string,
) {
  const seen = new Map<string, Field>()
  for (const [index, field] of fields.entries()) {
    const key = keys[index]
    if (key === undefined) continue
    const other = seen.get(key)
    if (other !== undefined)
      throw reader.wrong(field, `has the ${what} of the one in line ${other.at.split(':')[0]}`, 'another', key)
    seen.set(key, field)
  }
}

/** One material inside what another is unpacked to: the second to arrive would change the first. */
function refuseNested(reader: FieldReader, fields: readonly Field[], items: readonly MaterialItem[]): void {
  const paths = items.map(({ use }) => (use.kind === 'path' ? use.path.toLowerCase() : undefined))
  const known = new Set(paths)
  for (const [index, path] of paths.entries()) {
    const field = fields[index]
    if (path === undefined || field === undefined) continue
    const parts = path.split('/')
    const inside = parts.slice(1).some((_, at) => known.has(parts.slice(0, at + 1).join('/')))
    if (inside) throw reader.wrong(field, 'lies inside the path of another material', 'a path of its own', path)
  }
}

function itemOf(reader: FieldReader, field: Field): MaterialItem {
  const fields = reader.map(field, ITEM)
  const name = reader.matching(
    reader.required(field, fields, 'name'),
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
    'letters, digits, ., _ and -',
  )
  const uri = readUri(reader, reader.required(field, fields, 'uri'))
  const verifyField = fields.get('verify')
  const verify = verifyField === undefined ? undefined : readVerify(reader, verifyField, uri)
  const size = fields.get('size')
  return {
    name,
    uri,
    mirrors: mirrorsOf(reader, fields.get('mirrors'), uri),
    digest: digestOf(reader, field, fields.get('digest'), uri, verify),
    ...(size === undefined ? {} : { size: reader.integer(size, LIMITS.materialBytes) }),
    ...(verify === undefined ? {} : { verify }),
    use: readUse(reader, reader.required(field, fields, 'use'), uri),
    at: field.at,
  }
}

function mirrorsOf(reader: FieldReader, field: Field | undefined, uri: MaterialUri): readonly string[] {
  if (field === undefined) return []
  if (uri.kind !== 'url') throw reader.wrong(field, 'are only for what is fetched by https', 'no mirrors')
  const mirrors = reader.list(field, 10).map(item => readUrl(reader, item))
  if (new Set([uri.canonical, ...mirrors]).size !== mirrors.length + 1)
    throw reader.wrong(field, 'name one place twice')
  return mirrors
}

/** Mandatory, except where a signer says which bytes are meant: there `lock` records it. */
function digestOf(
  reader: FieldReader,
  item: Field,
  field: Field | undefined,
  uri: MaterialUri,
  verify: Verify | undefined,
): ReadonlyMap<DigestName, string> {
  const allowed = { url: ['sha256', 'sha512'], artifact: ['sha256', 'sha512'], image: ['sha256'], git: ['gitCommit'] }[
    uri.kind
  ]
  if (field === undefined) {
    if (verify?.kind === 'github' || verify?.kind === 'sigstore') return new Map()
    throw reader.wrong(item, 'has no digest', `digest: {${allowed[0]}: …}`)
  }
  const fields = reader.map(field, allowed)
  if (fields.size === 0) throw reader.wrong(field, 'is empty', allowed.join(', '))
  return new Map(
    [...fields].map(([key, value]) => {
      const name = key as DigestName
      return [name, reader.matching(value, HEX[name], `${name} in lower-case hex`)]
    }),
  )
}
