import { asWaybillError, fail, WaybillError } from '../core/error.ts'
import { parseDeploy } from './deploy.ts'
import { KEYS } from './keys.ts'
import { parseMaterialBlocks } from './material-blocks.ts'
import type { FileReading, ReadFile } from './paths.ts'
import { refPatterns } from './patterns.ts'
import { parsePlatformKeys } from './platform-keys.ts'
import type { Policy } from './policy.ts'
import { parsePolicyChange } from './policy-change.ts'
import { parsePrincipals } from './principals.ts'
import { parseQuarantined } from './quarantined.ts'
import { type Field, fieldsOf, required, siteOf, textOf } from './read.ts'
import { parseRoles } from './roles.ts'
import { parseExceptions, parseRevoked, parseSourceWorkflows } from './rules.ts'
import { importedRoles, parseSnapshots } from './snapshot.ts'
import { parseSourceRules } from './source-rules.ts'
import { readYaml } from './yaml.ts'

/**
 * Reads a policy file (12-policy § 3). Whatever this version does not judge is refused by name, never passed over.
 * @param path of the file from the root of its tree; the files it names are resolved against its folder.
 * @param readFile of the same commit, asked for snapshots alone: they declare principals, so they are part of the text.
 * @throws `policy/unusable` for a file that is broken, `policy/unsupported` for a key or version that is not judged here;
 * both name file, line and column.
 */
export function parsePolicy(bytes: Uint8Array, path: string, readFile: ReadFile = () => undefined): Policy {
  try {
    return parse(bytes, { path, files: new Map() }, readFile)
  } catch (error) {
    if (error instanceof WaybillError) throw error
    throw fail('policy/unusable', `${path}:1:1: The policy cannot be read`, { cause: asWaybillError(error) })
  }
}

function parse(bytes: Uint8Array, reading: FileReading, readFile: ReadFile): Policy {
  const root: Field = { node: readYaml(bytes, reading.path), name: '' }
  checkVersion(reading, root)
  const fields = fieldsOf(reading, root, KEYS.policy)
  const owners = new Map<string, string>()
  const people = fields.get('principals')
  const declared = parsePrincipals(reading, people, owners)
  const { snapshots, principals } = parseSnapshots(reading, fields.get('snapshots'), declared, owners, readFile)
  const names = { principals, roles: parseRoles(reading, fields.get('roles'), principals, importedRoles(snapshots)) }
  const gateRefs = fields.get('gate-refs')
  return {
    version: 1,
    ...names,
    ...parseSourceRules(reading, fields.get('source'), names),
    platformKeys: parsePlatformKeys(reading, fields.get('platform-keys'), principals, people),
    sourceWorkflows: parseSourceWorkflows(reading, fields.get('source-workflows')),
    snapshots,
    policyChange: parsePolicyChange(reading, fields.get('policy-change'), names),
    exceptions: parseExceptions(reading, fields.get('exceptions'), names),
    revoked: parseRevoked(reading, fields.get('revoked')),
    quarantined: parseQuarantined(reading, fields.get('quarantined')),
    ...parseMaterialBlocks(reading, fields),
    deploy: parseDeploy(reading, fields.get('deploy')),
    files: [...reading.files.values()],
    ...(gateRefs === undefined ? {} : { gateRefs: refPatterns(reading, gateRefs) }),
  }
}

/** Before any other key: a newer file may have keys that this version would call unknown. */
function checkVersion(reading: FileReading, root: Field): void {
  const entries = root.node.kind === 'map' ? root.node.entries : []
  const fields = new Map(entries.map(({ key, value }) => [key, { node: value, name: key }]))
  const field = required(reading, { ...root, name: 'The policy' }, fields, 'version')
  const version = textOf(reading, field)
  if (version === '1') return
  const { path, at } = siteOf(reading, field)
  throw fail('policy/unsupported', `${path}:${at}: The policy has version ${version}`, {
    expected: 'version: 1',
    found: version,
    remedy: 'Use a version of Waybill that reads this policy, or write it as version: 1.',
  })
}
