import { join, resolve } from 'node:path'
import { maybe } from '../../github/attest-inputs.ts'
import { HttpClient } from '../../io/http.ts'
import type { ExpectationFlags } from '../../policy/gate.ts'
import { loadCredentials } from '../../registry/credentials.ts'
import type { Receipt } from '../../report/receipt.ts'
import { exitCodeOfVerdict } from '../exit-code.ts'
import { runGate } from '../gate.ts'
import { NO_SUBJECTS } from '../gate-subjects.ts'
import { policyFile } from '../policy-file.ts'
import { showReceipt } from '../show.ts'
import { type CommandLine, command, type Desk, usage } from './command.ts'

export interface VerifyImage {
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

export const verifyImageCommand = command({
  words: 'verify image',
  synopsis: 'verify image REFERENCE… (--policy FILE | flags that say who is expected)',
  usage: `waybill verify image – which workflow built the image, and whether it may have signed it

  waybill verify image REFERENCE… (--policy FILE | flags that say who is expected)

Who is expected to have signed (one way, never none):
  --policy FILE                       the first deploy rule that matches the image
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
  --predicate-type URI                a signature must be a statement of this type
  --trusted-root FILE                 trust root of an own Sigstore (default: the public instance)
  --insecure-registry HOST[:PORT]     a registry without TLS (may be repeated)

How to tell:
  --json                              the result object on stdout, nothing else
  --quiet                             only the exit code; mistakes of the command line still go to stderr

Example:
  waybill verify image ghcr.io/acme/app:v1 \\
    --certificate-identity https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main \\
    --certificate-oidc-issuer https://token.actions.githubusercontent.com --require signature,provenance
`,
  options: OPTIONS,
  read: readVerifyImage,
  run: async (wish, desk) => {
    const receipt = await verifyImage(wish, desk)
    showReceipt(receipt, desk, wish)
    return exitCodeOfVerdict(receipt.verdict)
  },
})

type Values = CommandLine<typeof OPTIONS>['values']

/** @throws `entry/usage` for no reference, and for flags beside a policy. */
export function readVerifyImage({
  values,
  references,
}: CommandLine<typeof OPTIONS & { json: { type: 'boolean' } }>): VerifyImage {
  const [first, ...more] = references
  if (first === undefined) throw usage('There is nothing to verify', 'waybill verify image REFERENCE…', 'no reference')
  const { json = false, quiet = false } = values
  if (values.policy !== undefined) refuseBesidePolicy(values)
  return {
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

function flagsOf(values: Values): VerifyImage['flags'] {
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

async function verifyImage(wish: VerifyImage, { world, env }: Desk): Promise<Receipt> {
  const http = new HttpClient({ plainHttpHosts: wish.insecureRegistries })
  try {
    const { images, flags, key, trustedRoot, insecureRegistries } = wish
    return await runGate({
      command: 'verify image',
      subjects: { ...NO_SUBJECTS, images, folder: world.workingFolder },
      ...(wish.policy === undefined ? {} : { policy: await policyFile(wish.policy, world.workingFolder) }),
      flags,
      ...(key === undefined ? {} : { keyFile: resolve(world.workingFolder, key) }),
      ...(trustedRoot === undefined ? {} : { trustedRootFile: resolve(world.workingFolder, trustedRoot) }),
      http,
      credentials: await loadCredentials(env, env.HOME),
      exactCredentials: await loadCredentials(env, env.HOME, { exactEntriesOnly: true }),
      bundleFiles: [],
      offline: false,
      insecureRegistries,
      cacheFolder: join(env.XDG_CACHE_HOME ?? join(env.HOME ?? world.workingFolder, '.cache'), 'waybill', 'tuf'),
    })
  } finally {
    http.close()
  }
}
