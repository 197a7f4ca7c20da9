import { parseArgs } from 'node:util'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { maybe } from '../github/attest-inputs.ts'
import type { ExpectationFlags } from '../policy/gate.ts'

export type Command = { readonly kind: 'help' } | { readonly kind: 'version' } | VerifyImageCommand

export interface VerifyImageCommand {
  readonly kind: 'verify image'
  readonly images: readonly [string, ...string[]]
  readonly policy?: string
  readonly flags: Omit<ExpectationFlags, 'key' | 'trustedRoot'>
  readonly key?: string
  readonly trustedRoot?: string
  readonly insecureRegistries: readonly string[]
  readonly json: boolean
  readonly quiet: boolean
}

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
  json: { type: 'boolean' },
  quiet: { type: 'boolean' },
  policy: { type: 'string' },
  'certificate-identity': { type: 'string' },
  'certificate-oidc-issuer': { type: 'string' },
  repository: { type: 'string' },
  'repository-id': { type: 'string' },
  signer: { type: 'string' },
  caller: { type: 'string' },
  'source-ref': { type: 'string', multiple: true },
  key: { type: 'string' },
  require: { type: 'string', multiple: true },
  'predicate-type': { type: 'string' },
  'trusted-root': { type: 'string' },
  'insecure-registry': { type: 'string', multiple: true },
} as const

/** Commands of later versions, refused by name. */
const LATER = [
  'source',
  'review',
  'signers',
  'materials',
  'attest',
  'deploy',
  'quarantine',
  'policy',
  'inspect',
  'serve',
]

/** @throws `entry/usage` for anything that is not a command, `entry/input-contradiction` for flags that cannot hold together. */
export function parseCommand(args: readonly string[]): Command {
  const { values, positionals } = parsed(args)
  if (values.help === true || args.length === 0) return { kind: 'help' }
  if (values.version === true) return { kind: 'version' }
  const [verb = '', what = '', ...references] = positionals
  if (verb !== 'verify' || what !== 'image') throw unknownCommand(verb, what)
  const [first, ...more] = references
  if (first === undefined) throw usage('There is nothing to verify', 'waybill verify image REFERENCE…', 'no reference')
  const { json = false, quiet = false } = values
  if (values.policy !== undefined) refuseBesidePolicy(values)
  return {
    kind: 'verify image',
    images: [first, ...more],
    ...maybe('policy', values.policy),
    flags: flagsOf(values),
    ...maybe('key', values.key),
    ...maybe('trustedRoot', values['trusted-root']),
    insecureRegistries: values['insecure-registry'] ?? [],
    json,
    quiet,
  }
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

type Values = ReturnType<typeof parsed>['values']

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true })
  } catch (error) {
    // The first sentence names the option; what follows is about positional arguments that begin with a dash.
    const [sentence = ''] = (error instanceof Error ? error.message : String(error)).split('. ', 1)
    throw usage(printable(sentence), 'an option of waybill --help')
  }
}

function flagsOf(values: Values): VerifyImageCommand['flags'] {
  return {
    ...maybe('certificateIdentity', values['certificate-identity']),
    ...maybe('certificateOidcIssuer', values['certificate-oidc-issuer']),
    ...maybe('repository', values.repository),
    ...maybe('repositoryId', values['repository-id']),
    ...maybe('signer', values.signer),
    ...maybe('caller', values.caller),
    ...maybe('sourceRef', values['source-ref']),
    ...maybe('predicateType', values['predicate-type']),
    require: (values.require ?? []).flatMap(item => item.split(',')).filter(item => item !== ''),
  }
}

function unknownCommand(verb: string, what: string): Error {
  const words = `${verb} ${what}`.trim()
  const later = LATER.includes(verb) || (verb === 'verify' && what !== '')
  const sentence = later
    ? `waybill ${words} is not served by this version`
    : `There is no command ${printable(words, 80)}`
  return usage(sentence, 'waybill verify image REFERENCE…', words)
}

function usage(sentence: string, expected: string, found?: string): Error {
  return fail('entry/usage', sentence, { expected, ...(found === undefined ? {} : { found }) })
}
