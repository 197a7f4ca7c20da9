import { parseBuild } from './build-signer.ts'
import { parseDeploySource } from './deploy-source.ts'
import { parseDeployer, parseQuarantineBy } from './deployer.ts'
import { KEYS, TRUST_NAMES } from './keys.ts'
import { orderedRules } from './ordered-rules.ts'
import { type FileReading, namedFile } from './paths.ts'
import { subjectPatterns } from './patterns.ts'
import type { AllowRule, DeployRule, TrustName } from './policy.ts'
import { booleanOf, type Field, type Fields, fieldsOf, required, secondsOf, wordOf, wrong } from './read.ts'
import { parseAsked, refuseWithoutProvenance } from './requirements.ts'

/** `deploy:` is read top down and the first match decides, so the order of the file is kept. */
export function parseDeploy(reading: FileReading, field: Field | undefined): readonly DeployRule[] {
  if (field === undefined) return []
  return orderedRules(reading, field, parseRule)
}

function parseRule(reading: FileReading, field: Field): DeployRule {
  const fields = fieldsOf(reading, field, KEYS.deployRule)
  const match = subjectPatterns(reading, required(reading, field, fields, 'match'))
  return parseDeny(reading, field, fields) ? { kind: 'deny', match } : parseAllow(reading, field, fields, match)
}

/** `deny: true` stands alone beside `match`, in every list of rules. */
export function parseDeny(reading: FileReading, rule: Field, fields: Fields): boolean {
  if (!onlyTrue(reading, fields.get('deny'))) return false
  if (fields.size > 2) throw wrong(reading, rule, 'denies, so it can have no key but match and deny')
  return true
}

/** A switch that is either there or not: with `false` it would look like a rule and be none. */
export function onlyTrue(reading: FileReading, field: Field | undefined): boolean {
  if (field === undefined) return false
  if (!booleanOf(reading, field)) throw wrong(reading, field, 'can only be true; leave it out otherwise', 'true')
  return true
}

/** @param fields checked against their keys; `waybill` of `base-images` has fewer of them. */
export function parseAllow(reading: FileReading, field: Field, fields: Fields, match: AllowRule['match']): AllowRule {
  const build = parseBuild(reading, required(reading, field, fields, 'build'))
  const asked = parseAsked(reading, required(reading, field, fields, 'require'), fields.get('admit'))
  refuseWithoutProvenance(reading, field, fields, asked, build)
  const source = parseDeploySource(reading, field, fields.get('source'), { build: build.build, asked })
  const deployer = parseDeployer(reading, field, fields.get('deployer'), asked)
  const quarantineBy = fields.get('quarantine-by')
  return {
    kind: 'allow',
    match,
    trust: parseTrust(reading, fields),
    ...build,
    ...asked,
    allowAudit: isTrue(reading, fields, 'allow-audit'),
    ...maxAge('maxAgeSeconds', reading, fields.get('max-age')),
    ...maxAge('maxAgeAtRunSeconds', reading, fields.get('max-age-at-run')),
    ...(source === undefined ? {} : { source }),
    ...(deployer === undefined ? {} : { deployer }),
    ...(quarantineBy === undefined ? {} : { quarantineBy: parseQuarantineBy(reading, quarantineBy) }),
    private: parsePrivate(reading, fields, match),
  }
}

/** 13-adversary 29: exactly one root, never a bag of them. */
export function parseTrust(reading: FileReading, fields: Fields): TrustName {
  const field = fields.get('trust')
  if (field === undefined) return 'public-good'
  if (field.node.kind !== 'map') return wordOf(reading, field, TRUST_NAMES)
  const file = required(reading, field, fieldsOf(reading, field, KEYS.trust), 'file')
  return { file: namedFile(reading, file, 'trust') }
}

function isTrue(reading: FileReading, fields: Fields, key: string): boolean {
  const field = fields.get(key)
  return field !== undefined && booleanOf(reading, field)
}

export function maxAge<K extends string>(key: K, reading: FileReading, field: Field | undefined) {
  const seconds = field === undefined ? undefined : secondsOf(reading, field, 'an age')
  return (seconds === undefined ? {} : { [key]: seconds }) as { readonly [name in K]?: number }
}

/** It speaks of addresses of registries, and a file has none. */
function parsePrivate(reading: FileReading, fields: Fields, match: AllowRule['match']): boolean {
  const field = fields.get('private')
  if (field === undefined) return false
  if (match.every(({ of }) => of === 'file'))
    throw wrong(reading, field, 'is about registries, and the rule matches files alone')
  return booleanOf(reading, field)
}
