import { maybe } from '../core/maybe.ts'
import type { PolicyEngine } from '../github/deploy-inputs.ts'
import type { Promotion } from '../pipeline/deploy-request.ts'
import { QUARANTINE_MODES, type QuarantineMode } from '../pipeline/quarantine.ts'
import type { TransparencyLog } from '../sigstore/trust/transparency.ts'
import { OWN_URI_BASE, requireOwnNames } from '../statements/uris.ts'
import { type CommandLine, usage } from './commands/command.ts'
import { promotionsOf } from './deploy-plan.ts'
import { checkKeyPlace, type KeyPlace } from './named-secret.ts'
import { formatOf, oneOf } from './option-values.ts'
import { RELEASE_BUILD } from './version.ts'

/** What a deploy does with what it rejects when nobody says (7-verify-deploy § 2). @throws `statements/placeholder-uri` */
export function deployQuarantine(given: QuarantineMode | undefined): QuarantineMode {
  // A release whose own names have no home signs no records; files are moved all the same.
  const mode = given ?? (RELEASE_BUILD && new URL(OWN_URI_BASE).hostname.endsWith('.invalid') ? 'files' : 'attest')
  if (mode === 'attest' || mode === 'retag') requireOwnNames(RELEASE_BUILD)
  return mode
}

/** `waybill deploy`, read; paths as written. */
export interface DeployLine {
  readonly images: readonly string[]
  readonly manifests: readonly string[]
  readonly compose: readonly string[]
  readonly files: readonly string[]
  readonly policy: string
  readonly environment: string
  readonly identityTokenFile?: string
  readonly key?: KeyPlace
  readonly signingConfig?: string
  readonly transparencyLog: TransparencyLog
  readonly promote: readonly Promotion[]
  readonly annotate: boolean
  readonly pin: boolean
  readonly policies: PolicyEngine
  readonly output: string
  readonly bundles: readonly string[]
  readonly filesRepository?: string
  readonly insecureRegistries: readonly string[]
  readonly quarantine: QuarantineMode
  readonly quarantineDirectory?: string
  readonly events?: string
  readonly format: 'text' | 'json' | 'sarif'
  readonly quiet: boolean
}

export const DEPLOY_OPTIONS = {
  policy: { type: 'string' },
  environment: { type: 'string' },
  manifest: { type: 'string', multiple: true },
  compose: { type: 'string', multiple: true },
  file: { type: 'string', multiple: true },
  'identity-token-file': { type: 'string' },
  key: { type: 'string' },
  'key-password': { type: 'string' },
  'signing-config': { type: 'string' },
  'transparency-log': { type: 'string' },
  promote: { type: 'string', multiple: true },
  annotate: { type: 'boolean' },
  'no-pin': { type: 'boolean' },
  policies: { type: 'string' },
  output: { type: 'string' },
  bundle: { type: 'string', multiple: true },
  'files-repository': { type: 'string' },
  'insecure-registry': { type: 'string', multiple: true },
  quarantine: { type: 'string' },
  'quarantine-directory': { type: 'string' },
  events: { type: 'string' },
  format: { type: 'string' },
  quiet: { type: 'boolean' },
} as const

type Line = CommandLine<typeof DEPLOY_OPTIONS & { json: { type: 'boolean' } }>

/** Pure. @throws `entry/usage`, `registry/tag-…` */
export function readDeployLine({ values, references }: Line): DeployLine {
  const { manifest = [], compose = [], file = [], policy, environment } = values
  if (policy === undefined) throw usage('A deploy summary names the policy that judged', '--policy FILE', 'no policy')
  if (environment === undefined) throw usage('Nothing says which environment is deployed to', '--environment NAME')
  if (references.length + manifest.length + compose.length + file.length === 0)
    throw usage('There is nothing to deploy', 'IMAGE…, --manifest PATH, --compose FILE or --file PATH', 'nothing')
  const { annotate = false, 'no-pin': noPin = false } = values
  if (annotate && (noPin || manifest.length === 0))
    throw usage('--annotate writes into pinned manifests', '--manifest PATH without --no-pin', '--annotate alone')
  return {
    images: references,
    manifests: manifest,
    compose,
    files: file,
    policy,
    environment,
    ...signerOf(values),
    promote: promotionsOf(values.promote ?? []),
    annotate,
    pin: !noPin,
    policies: oneOf('policies', values.policies, ['none', 'policy-controller', 'kyverno']) ?? 'none',
    output: values.output ?? 'waybill-deploy',
    bundles: values.bundle ?? [],
    ...maybe('filesRepository', values['files-repository']),
    insecureRegistries: values['insecure-registry'] ?? [],
    quarantine: deployQuarantine(oneOf('quarantine', values.quarantine, QUARANTINE_MODES)),
    ...maybe('quarantineDirectory', values['quarantine-directory']),
    ...maybe('events', values.events),
    format: formatOf(values),
    quiet: values.quiet ?? false,
  }
}

type Values = Line['values']

function signerOf(values: Values): Pick<DeployLine, 'identityTokenFile' | 'key' | 'signingConfig' | 'transparencyLog'> {
  const { key, 'key-password': password, 'identity-token-file': token, 'signing-config': config } = values
  if ((key === undefined) === (token === undefined))
    throw usage(
      'Exactly one signs the deploy',
      '--identity-token-file FILE, or --key FILE|env:NAME',
      key === undefined ? 'nobody' : 'both',
    )
  if (key === undefined && password !== undefined)
    throw usage('--key-password names the password of a key', '--key FILE|env:NAME beside it')
  const place = key === undefined ? undefined : { key, ...(password === undefined ? {} : { password }) }
  if (place !== undefined) checkKeyPlace(place)
  const log = oneOf('transparency-log', values['transparency-log'], ['auto', 'public', 'own', 'none'])
  return {
    ...maybe('identityTokenFile', token),
    ...maybe('key', place),
    ...maybe('signingConfig', config),
    // Services that somebody names are his own, and the guard still looks whether they are.
    transparencyLog: log ?? (config === undefined ? 'auto' : 'own'),
  }
}
