import { resolve } from 'node:path'
import { maybe } from '../../core/maybe.ts'
import { HttpClient } from '../../io/http.ts'
import { exitCodeOfVerdict } from '../exit-code.ts'
import { afterGate } from '../gate-after.ts'
import { platformApi } from '../platform-api.ts'
import { policyFile } from '../policy-file.ts'
import { cacheFolderOf, showVerdict } from '../verify-command.ts'
import { readVerifyWish, VERIFY_OPTIONS, VERIFY_USAGE, type VerifyWish } from '../verify-options.ts'
import { runUrlGate, type ServerOptions } from '../verify-url.ts'
import { type CommandLine, command, type Desk, noMore, usage } from './command.ts'

export interface VerifyUrl extends VerifyWish {
  readonly url: string
  /** Paths as written. */
  readonly server: ServerOptions
  readonly expectImages: readonly string[]
  readonly allowPrivateAddress: boolean
}

const OPTIONS = {
  ...VERIFY_OPTIONS,
  'server-key': { type: 'string' },
  'server-identity': { type: 'string' },
  'server-oidc-issuer': { type: 'string' },
  'server-trusted-root': { type: 'string' },
  'expect-image': { type: 'string', multiple: true },
  'allow-private-address': { type: 'boolean' },
} as const

type UrlLine = CommandLine<typeof OPTIONS & { json: { type: 'boolean' } }>

export const verifyUrlCommand = command({
  words: 'verify url',
  synopsis: 'verify url https://HOST (--policy FILE | flags) [--server-key FILE | --server-identity TEXT]',
  usage: `waybill verify url – what runs behind a URL, and whether it may

  waybill verify url https://HOST[:PORT] (--policy FILE | flags that say who is expected)

Asks the host for /.well-known/waybill.json, which waybill serve signs, and judges each image that it names by what you
expect. What the document itself expects is shown and never trusted. A path behind the host is not looked at.

Who signs for the cluster (without it the result is unknown: that these run is then the host's own claim):
  --server-key FILE                   a public key in PEM
  --server-identity TEXT              exact identity in the certificate, with
  --server-oidc-issuer URL              its issuer (default: that of --certificate-oidc-issuer)
  --server-trusted-root FILE          trust root of an own Sigstore (default: the public instance)

What must run, and where it may be:
  --expect-image HOST/REPOSITORY[@DIGEST]
                                      must be in the document (may be repeated)
  --allow-private-address             the host may be this machine or in a private network. Of registries only the rule of
                                        a policy says that: private: true

With --policy images are judged at --stage run. Registries are asked without any login.

${VERIFY_USAGE}
Example:
  waybill verify url https://app.example.com --policy waybill.yml --server-key cluster.pub
`,
  options: OPTIONS,
  read: readVerifyUrl,
  run: runVerifyUrl,
})

/** Options of the other commands that would have to be ignored here. */
const NOT_HERE = [
  'pin',
  'offline',
  'replay',
  'out',
  'files-repository',
  'quarantine',
  'quarantine-directory',
  'quarantine-key',
] as const

/** @throws `entry/usage` for no URL or several, for options that say nothing here, and what `readVerifyWish` refuses. */
function readVerifyUrl(line: UrlLine): VerifyUrl {
  const { values, references } = line
  const [url] = references
  if (url === undefined) throw usage('There is no URL to verify', 'waybill verify url https://HOST', 'no URL')
  noMore(references, 'verify url', 1)
  const other = NOT_HERE.find(name => values[name] !== undefined)
  if (other !== undefined)
    throw usage(`--${other} does not go with a URL`, 'an option of waybill verify url --help', `--${other}`)
  if (values.stage === 'deploy')
    throw usage('What runs is judged at stage run', '--stage run, or no --stage', '--stage deploy')
  return {
    ...readVerifyWish({ ...line, values: withoutStage(values) }),
    url,
    server: readServer(values),
    expectImages: values['expect-image'] ?? [],
    allowPrivateAddress: values['allow-private-address'] ?? false,
  }
}

/** Flags know no stage; a policy's is `run` anyway. */
function withoutStage({ stage: _, ...values }: UrlLine['values']): Omit<UrlLine['values'], 'stage'> {
  return values
}

function readServer(values: UrlLine['values']): ServerOptions {
  const { 'server-key': key, 'server-identity': identity, 'server-trusted-root': trustedRoot } = values
  const own = values['server-oidc-issuer']
  if (key !== undefined && identity !== undefined)
    throw usage('The document has one signer', '--server-key or --server-identity', 'both')
  if (identity === undefined && own !== undefined)
    throw usage(
      'An issuer vouches for everybody who asks it',
      '--server-identity with --server-oidc-issuer',
      'no identity',
    )
  if (key === undefined && identity === undefined && trustedRoot !== undefined)
    throw usage('A root says whom to believe, not who is expected', '--server-identity or --server-key', 'neither')
  const issuer = own ?? values['certificate-oidc-issuer']
  if (identity !== undefined && issuer === undefined)
    throw usage('An identity means nothing without its issuer', '--server-oidc-issuer URL', 'no issuer')
  return {
    ...maybe('key', key),
    ...maybe('identity', identity),
    ...(identity === undefined ? {} : maybe('issuer', issuer)),
    ...maybe('trustedRoot', trustedRoot),
  }
}

async function runVerifyUrl(wish: VerifyUrl, desk: Desk): Promise<number> {
  const folder = desk.world.workingFolder
  const http = new HttpClient({ plainHttpHosts: wish.insecureRegistries })
  try {
    const { key, trustedRoot, server } = wish
    const inFolder = (path: string): string => resolve(folder, path)
    const policy = wish.policy === undefined ? undefined : await policyFile(wish.policy, folder)
    const { api } = platformApi(desk.env, http)
    const result = await runUrlGate({
      command: 'verify url',
      url: wish.url,
      server: { ...server, ...mapped(server, 'key', inFolder), ...mapped(server, 'trustedRoot', inFolder) },
      expectImages: wish.expectImages,
      allowPrivateAddress: wish.allowPrivateAddress,
      ...maybe('policy', policy),
      flags: wish.flags,
      ...(key === undefined ? {} : { keyFile: inFolder(key) }),
      ...(trustedRoot === undefined ? {} : { trustedRootFile: inFolder(trustedRoot) }),
      bundleFiles: wish.bundles.map(inFolder),
      http,
      insecureRegistries: wish.insecureRegistries,
      cacheFolder: cacheFolderOf(desk),
      now: new Date(),
      folder,
      ...(api.hasToken ? { store: api } : {}),
    })
    // What a document names is not the caller's choice: nothing is quarantined because of it.
    const receipt = await afterGate(result, {
      quarantine: 'off',
      ...maybe('events', wish.events),
      folder,
      now: new Date(),
    })
    await showVerdict(receipt, wish, desk)
    return exitCodeOfVerdict(receipt.verdict)
  } finally {
    http.close()
  }
}

function mapped<K extends 'key' | 'trustedRoot'>(
  server: ServerOptions,
  name: K,
  to: (path: string) => string,
): { readonly [k in K]?: string } {
  const path = server[name]
  return (path === undefined ? {} : { [name]: to(path) }) as { readonly [k in K]?: string }
}
