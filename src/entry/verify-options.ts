import { maybe } from '../core/maybe.ts'
import { QUARANTINE_MODES, type QuarantineMode } from '../pipeline/quarantine.ts'
import type { ExpectationFlags } from '../policy/gate.ts'
import { type CommandLine, usage } from './commands/command.ts'
import { formatOf, oneOf } from './option-values.ts'
import { type RecordSignerChoice, readRecordSigner, WHO_SIGNS_OPTIONS } from './quarantine-signer.ts'

export type GateStage = 'deploy' | 'run'

/** What every `waybill verify …` is told beside its subjects; paths as written. Absent: not given. */
export interface VerifyWish {
  readonly policy?: string
  readonly flags: Omit<ExpectationFlags, 'key' | 'trustedRoot'>
  readonly key?: string
  readonly trustedRoot?: string
  readonly stage: GateStage
  readonly filesRepository?: string
  readonly bundles: readonly string[]
  readonly offline: boolean
  readonly insecureRegistries: readonly string[]
  readonly quarantine?: QuarantineMode
  /** Present exactly for `attest` and `retag`. */
  readonly recordSigner?: RecordSignerChoice
  readonly quarantineDirectory?: string
  readonly events?: string
  readonly out?: string
  readonly replay?: string
  readonly pin: boolean
  /** Standard input is what is judged. */
  readonly pipes: boolean
  readonly format: 'text' | 'json' | 'sarif'
  /** Where a page with the verdict goes, as written. */
  readonly html?: string
  readonly quiet: boolean
}

export const VERIFY_OPTIONS = {
  quiet: { type: 'boolean' },
  format: { type: 'string' },
  html: { type: 'string' },
  policy: { type: 'string' },
  'certificate-identity': { type: 'string' },
  'certificate-oidc-issuer': { type: 'string' },
  repository: { type: 'string' },
  'repository-id': { type: 'string' },
  signer: { type: 'string' },
  caller: { type: 'string' },
  'source-ref': { type: 'string', multiple: true },
  key: { type: 'string' },
  stage: { type: 'string' },
  require: { type: 'string', multiple: true },
  'predicate-type': { type: 'string' },
  bundle: { type: 'string', multiple: true },
  'files-repository': { type: 'string' },
  'trusted-root': { type: 'string' },
  offline: { type: 'boolean' },
  'insecure-registry': { type: 'string', multiple: true },
  quarantine: { type: 'string' },
  'quarantine-directory': { type: 'string' },
  ...WHO_SIGNS_OPTIONS,
  'quarantine-key': { type: 'string' },
  'quarantine-key-password': { type: 'string' },
  events: { type: 'string' },
  out: { type: 'string' },
  replay: { type: 'string' },
  pin: { type: 'boolean' },
} as const

export type VerifyLine = CommandLine<typeof VERIFY_OPTIONS & { json: { type: 'boolean' } }>

/** The part of `--help` that all of `waybill verify …` share. */
export const VERIFY_USAGE = `Who is expected to have signed (one way, never none):
  --policy FILE                       the first deploy rule that matches
  --certificate-identity TEXT         exact identity in the certificate, with
  --certificate-oidc-issuer URL         the issuer that vouches for it
  --repository OWNER/NAME             a GitHub workflow run, with all of
  --repository-id NUMBER|any            the repository's number,
  --signer WORKFLOW@REF                 the workflow that signed,
  --source-ref REF|any                  the ref it was built from (may be repeated),
  --caller WORKFLOW@REF                 and who called it, if another workflow
  --key FILE                          a public key in PEM

What must hold, and against what:
  --require ITEMS                     signature, provenance; separated by commas (default: signature)
  --stage deploy|run                  of a policy: require, or require and admit (default: deploy)
  --predicate-type URI                a signature must be a statement of this type
  --trusted-root FILE                 trust root of an own Sigstore (default: the public instance)

Where evidence lies:
  --bundle FILE                       a bundle on disk, or an OCI layout (may be repeated)
  --files-repository REPOSITORY       registry repository with the bundles of files
  --insecure-registry HOST[:PORT]     a registry without TLS (may be repeated)
  --offline                           ask no server at all: what is on disk must suffice
  --replay DIR[@sha256:DIGEST]        judge what an earlier --out kept, asking no server; with the digest that it told
                                        also by the policy and the roots in it

What to do with it:
  --out DIR                           keep bundles, trust root and policy for a later --replay
  --pin                               write manifests and compose files with digests
  --events FILE                       append a JSON line for each rejected subject
  --quarantine MODE                   what happens to a subject that was rejected for failed integrity (default: files):
                                        off; files: files are moved away; attest: besides, a signed record warns everybody,
                                        of an image attached to it; retag: besides, its tag is taken away
  --quarantine-directory DIR          where rejected files and kept records go (default: waybill-quarantine)
  --identity-token-file FILE          of attest and retag, who signs: an OIDC token with audience sigstore, or
  --quarantine-key FILE|env:NAME        a private key in PEM; --quarantine-key-password env:NAME
  --signing-config FILE                 with Sigstore services of your own (default: the public instance)

How to tell:
  --json                              the result object on stdout, nothing else
  --format sarif                      SARIF on stdout, nothing else
  --html FILE                         also write one page that needs nothing else: no script, no network
  --quiet                             only the exit code; mistakes of the command line still go to stderr
`

/** @throws `entry/usage` for what no option can be, and for flags beside a policy. */
export function readVerifyWish({ values }: VerifyLine): VerifyWish {
  if (values.policy !== undefined) refuseBesidePolicy(values)
  if (values.replay !== undefined) refuseBesideReplay(values)
  const quarantine = oneOf('quarantine', values.quarantine, QUARANTINE_MODES)
  return {
    ...maybe('policy', values.policy),
    flags: flagsOf(values),
    ...maybe('key', values.key),
    ...maybe('trustedRoot', values['trusted-root']),
    stage: oneOf('stage', values.stage, ['deploy', 'run']) ?? 'deploy',
    ...maybe('filesRepository', values['files-repository']),
    bundles: values.bundle ?? [],
    offline: values.offline ?? false,
    insecureRegistries: values['insecure-registry'] ?? [],
    ...maybe('quarantine', quarantine),
    ...maybe('recordSigner', recordSignerOf(values, quarantine)),
    ...maybe('quarantineDirectory', values['quarantine-directory']),
    ...maybe('events', values.events),
    ...maybe('out', values.out),
    ...maybe('replay', values.replay),
    pin: values.pin ?? false,
    pipes: false,
    format: formatOf(values),
    ...maybe('html', values.html),
    quiet: values.quiet ?? false,
  }
}

type Values = VerifyLine['values']

/** All that can be told before anything is judged; the token is read, and the key opened, only when something is signed. */
function recordSignerOf(values: Values, mode: QuarantineMode | undefined): RecordSignerChoice | undefined {
  const signer = readRecordSigner(
    {
      token: values['identity-token-file'],
      config: values['signing-config'],
      key: values['quarantine-key'],
      password: values['quarantine-key-password'],
    },
    '--quarantine-key',
  )
  if (mode !== 'attest' && mode !== 'retag') {
    if (signer === undefined) return undefined
    throw usage(
      'Only quarantine records are signed here',
      '--quarantine attest or retag',
      `--quarantine ${mode ?? 'files'}`,
    )
  }
  if (values.offline === true || values.replay !== undefined)
    throw usage(`--quarantine ${mode} signs and writes to a registry`, 'off or files', 'a run that asks no server')
  if (signer !== undefined) return signer
  throw usage(
    'A signed record needs somebody who signs it',
    '--identity-token-file FILE, or --quarantine-key FILE|env:NAME',
    'nobody',
  )
}

/** What the deploy rule says; a flag beside it would have to be ignored, or would loosen the rule. */
const IN_THE_RULE = [
  'certificate-identity',
  'certificate-oidc-issuer',
  'repository',
  'repository-id',
  'signer',
  'caller',
  'source-ref',
  'key',
  'require',
  'predicate-type',
  'trusted-root',
] as const

function refuseBesidePolicy(values: Values): void {
  const found = IN_THE_RULE.find(name => values[name] !== undefined)
  if (found === undefined) return
  if (found === 'trusted-root')
    throw usage(
      'A policy names its own trust root',
      'trust: { file: PATH } in the deploy rule',
      '--trusted-root with --policy',
    )
  throw usage('A policy says itself who is expected and what must hold', '--policy alone', `--${found} with --policy`)
}

/** All evidence of a replay is in its folder, and what a tag meant then is the word of whoever wrote that. */
function refuseBesideReplay(values: Values): void {
  if (values.out !== undefined)
    throw usage('A replay asks no server, so there is nothing new to keep', '--out or --replay', 'both')
  const found = (['bundle', 'files-repository', 'pin'] as const).find(name => values[name] !== undefined)
  if (found !== undefined)
    throw usage('A replay judges what its folder holds, and nothing else', '--replay alone', `--${found} with --replay`)
}

function flagsOf(values: Values): VerifyWish['flags'] {
  return {
    ...maybe('certificateIdentity', values['certificate-identity']),
    ...maybe('certificateOidcIssuer', values['certificate-oidc-issuer']),
    ...maybe('repository', values.repository),
    ...maybe('repositoryId', values['repository-id']),
    ...maybe('signer', values.signer),
    ...maybe('caller', values.caller),
    ...maybe('sourceRef', values['source-ref']),
    ...maybe('predicateType', values['predicate-type']),
    require: requireOf(values.require),
  }
}

/** Asked for with nothing in it, as by a variable that is not set, is not the same as not asked. */
function requireOf(given: readonly string[] = []): readonly string[] {
  const items = given.flatMap(item => item.split(',')).filter(item => item !== '')
  if (given.length > 0 && items.length === 0)
    throw usage('--require names nothing', 'signature,provenance', given.join(' '))
  return items
}
