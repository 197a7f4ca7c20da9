import { parseBuildSigner } from './build-signer.ts'
import { parsePolicyUri } from './deploy-source.ts'
import type { ExpectedSigner } from './expected.ts'
import { KEYS } from './keys.ts'
import type { FileReading } from './paths.ts'
import type { Deployer } from './policy.ts'
import { type Field, type Fields, fieldsOf, onlyKey, textOf, wrong } from './read.ts'
import { type Asked, everyItem } from './requirements.ts'

/**
 * `deployer:` of a deploy rule: who signs deploy summaries, for which environment and by which policy. It stands exactly where
 * `deploy-verified` is asked for: without it anybody's word would do, and one that nothing asks for would look like a rule.
 */
export function parseDeployer(
  reading: FileReading,
  rule: Field,
  field: Field | undefined,
  asked: Asked,
): Deployer | undefined {
  const isAsked = everyItem(asked).includes('deploy-verified')
  if (!isAsked && field !== undefined)
    throw wrong(reading, field, 'is asked for by no item of require or admit', 'admit: [deploy-verified]')
  if (!isAsked) return undefined
  if (field === undefined)
    throw wrong(reading, rule, 'asks for deploy-verified and does not say by whom', 'deployer: {github: {…}}')
  const fields = fieldsOf(reading, field, KEYS.deployer)
  const kinds = KEYS.quarantineBy.judged.filter(kind => fields.has(kind))
  const [kind, second] = kinds
  const value = kind === undefined ? undefined : fields.get(kind)
  if (kind === undefined || value === undefined || second !== undefined)
    throw wrong(reading, field, 'must name exactly one signer', 'github: {…}, sigstore: {…} or key: FILE')
  const signer = parseBuildSigner(reading, kind, value)
  const policy = fields.get('policy')
  return {
    signer,
    environment: parseEnvironment(reading, field, fields, signer),
    ...(policy === undefined ? {} : { policy: parsePolicyUri(reading, policy) }),
  }
}

/** Somebody who may deploy to staging says nothing about production, so the environment is never left open. */
function parseEnvironment(reading: FileReading, deployer: Field, fields: Fields, signer: ExpectedSigner): string {
  const field = fields.get('environment')
  const certified = signer.kind === 'github' ? signer.environment : undefined
  if (field === undefined) {
    if (certified === undefined)
      throw wrong(reading, deployer, 'does not say for which environment', 'github: {…, environment: production}')
    return certified
  }
  if (certified !== undefined) throw wrong(reading, field, 'stands in github already', 'one of them')
  return textOf(reading, field)
}

/** `quarantine-by:` of a deploy rule (13-adversary 31): one signer, whose records and releases alone are believed. */
export function parseQuarantineBy(reading: FileReading, field: Field): ExpectedSigner {
  const { key, value } = onlyKey(reading, field, KEYS.quarantineBy)
  return parseBuildSigner(reading, key, value)
}
