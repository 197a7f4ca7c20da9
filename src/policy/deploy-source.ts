import { isCommitId, isDigest } from '../core/digest.ts'
import { parseBuildSigner } from './build-signer.ts'
import type { ExpectedSigner } from './expected.ts'
import { KEYS } from './keys.ts'
import type { FileReading } from './paths.ts'
import type { DeploySource } from './policy.ts'
import { asciiOf, type Field, type Fields, fieldsOf, onlyKey, required, wordOf, wrong } from './read.ts'
import { type Asked, everyItem, isSourceRequirement } from './requirements.ts'

const EXCEPTIONS = { judged: ['allow', 'deny'], later: [] } as const

/**
 * `source:` of a deploy rule. It stands exactly where a `source-…` item is required: without it any policy and any anchor
 * would do, and a `source` that nothing asks for would look like a rule and be none.
 */
export function parseDeploySource(
  reading: FileReading,
  rule: Field,
  field: Field | undefined,
  { build, asked }: { readonly build: ExpectedSigner; readonly asked: Asked },
): DeploySource | undefined {
  const item = everyItem(asked).find(isSourceRequirement)
  if (item === undefined) {
    if (field !== undefined)
      throw wrong(reading, field, 'is asked for by no item of require', 'require: [source-signed]')
    return undefined
  }
  // What has to hold before a deploy must be able to hold there; `admit` is not judged at that stage.
  for (const items of [asked.require, everyItem(asked)])
    if (items.some(isSourceRequirement) && !items.includes('provenance'))
      throw wrong(reading, rule, `requires ${item} of a commit that only provenance names`, `[provenance, ${item}]`)
  if (field === undefined)
    throw wrong(
      reading,
      rule,
      `requires ${item} and does not say by which policy`,
      'source: {policy, anchor, exceptions}',
    )
  const fields = fieldsOf(reading, field, KEYS.deploySource)
  return {
    policy: parsePolicyUri(reading, required(reading, field, fields, 'policy')),
    anchor: parseAnchor(reading, required(reading, field, fields, 'anchor')),
    ...parseDigestOf(reading, fields),
    exceptions: wordOf(reading, required(reading, field, fields, 'exceptions'), EXCEPTIONS),
    signer: parseSigner(reading, fields.get('signer')) ?? build,
  }
}

/** Of a policy in a repository; a path on somebody's disk is no name that two machines share. */
export function parsePolicyUri(reading: FileReading, field: Field): string {
  const text = asciiOf(reading, field)
  const form = 'git+https://github.com/OWNER/REPOSITORY#.github/waybill.yml'
  if (!/^git\+https?:\/\/[^\s#*]+#[^\s#*]+$/.test(text)) throw wrong(reading, field, 'is not a policy', form, text)
  return text
}

/** A short id could be another commit tomorrow. */
function parseAnchor(reading: FileReading, field: Field): DeploySource['anchor'] {
  const text = asciiOf(reading, field)
  if (!isCommitId(text)) throw wrong(reading, field, 'is not a whole commit id', '40 lower-case hex digits', text)
  return text
}

function parseDigestOf(reading: FileReading, fields: Fields): Pick<DeploySource, 'digest'> {
  const field = fields.get('digest')
  if (field === undefined) return {}
  const text = asciiOf(reading, field)
  if (!isDigest(text)) throw wrong(reading, field, 'is not a digest', 'sha256: and 64 lower-case hex digits', text)
  return { digest: text }
}

function parseSigner(reading: FileReading, field: Field | undefined): ExpectedSigner | undefined {
  if (field === undefined) return undefined
  const { key, value } = onlyKey(reading, field, KEYS.deploySourceSigner)
  return parseBuildSigner(reading, key, value)
}
