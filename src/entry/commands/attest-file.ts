import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { fail, type WaybillError } from '../../core/error.ts'
import { isObject, parseJson } from '../../core/json.ts'
import { LIMITS } from '../../core/limits.ts'
import { maybe } from '../../core/maybe.ts'
import { printable } from '../../core/text.ts'
import { exists, readFileBounded, writeFileAtomic } from '../../io/files.ts'
import { HttpClient } from '../../io/http.ts'
import { hashStableFile } from '../../io/stable-file.ts'
import {
  type AttestFilesPorts,
  attestFiles,
  BUNDLE_SUFFIX,
  type FileOutcome,
  type FileToAttest,
  requireDistinct,
} from '../../pipeline/attest-file.ts'
import { RegistryClient } from '../../registry/client.ts'
import { loadCredentials } from '../../registry/credentials.ts'
import { pushFileBundles } from '../../registry/file-bundles.ts'
import { formatReference, parseReference, type Repository, repositoryOf } from '../../registry/reference.ts'
import { type FileClaim, fileStatement, SIGNATURE_CLAIM } from '../../statements/file.ts'
import { OWN_URI_BASE, requireOwnNames } from '../../statements/uris.ts'
import { exitCodeOfError } from '../exit-code.ts'
import { checkKeyPlace, type KeyPlace } from '../named-secret.ts'
import { RELEASE_BUILD } from '../version.ts'
import { signerOf } from './attest-file-signer.ts'
import { renderAttested } from './attest-file-text.ts'
import { type CommandLine, command, type Desk, usage } from './command.ts'

export interface AttestFile {
  readonly paths: readonly [string, ...string[]]
  readonly predicate?: { readonly type: string; readonly file: string }
  readonly key?: KeyPlace
  readonly identityTokenFile?: string
  readonly signingConfig?: string
  readonly trustedRoot?: string
  readonly upload: boolean
  readonly filesRepository?: string
  readonly out?: string
  readonly insecureRegistries: readonly string[]
  readonly json: boolean
}

const WORDS = 'attest file'

const OPTIONS = {
  'predicate-type': { type: 'string' },
  predicate: { type: 'string' },
  key: { type: 'string' },
  'key-password': { type: 'string' },
  'identity-token-file': { type: 'string' },
  'signing-config': { type: 'string' },
  'trusted-root': { type: 'string' },
  'no-upload': { type: 'boolean' },
  'files-repository': { type: 'string' },
  'insecure-registry': { type: 'string', multiple: true },
  out: { type: 'string' },
} as const

export const attestFileCommand = command({
  words: WORDS,
  synopsis: 'attest file PATH… (--key FILE|env:NAME | --identity-token-file FILE) [--files-repository REPOSITORY]',
  usage: `waybill attest file – sign files by their digest; each bundle lies beside its file as PATH.sigstore.json

  waybill attest file PATH… (--key FILE|env:NAME | --identity-token-file FILE)

Who signs (one of them):
  --key FILE|env:NAME                 a private key in PEM: PKCS#8, or as cosign generate-key-pair writes it
  --key-password env:NAME             the variable that holds its password
  --identity-token-file FILE          an OIDC token with audience sigstore; a certificate authority names its subject

What is stated (default: that the file is signed):
  --predicate-type URI                a type of your own, with
  --predicate FILE                      its predicate, a JSON object

Who else sees it:
  --signing-config FILE               Sigstore services of your own: log, timestamps, certificates; with
  --trusted-root FILE                   the trusted root by which they are verified
  --files-repository REPOSITORY       also keep the bundles in a registry, where the file's digest finds them
  --insecure-registry HOST[:PORT]     a registry without TLS (may be repeated)
  --no-upload                         no transparency log and no registry

  With --key and no --signing-config nothing leaves this machine, and no bundle says when it was made: whoever names the
  public key can verify it, without any network. With --identity-token-file and no --signing-config the public Sigstore
  instance is used: identity, digest of the statement and time become public for ever.

Where it goes, and how to tell:
  --out DIR                           bundles go there instead of beside their files
  --json                              what was signed, as JSON on stdout

An equal bundle that lies there and verifies is kept: nothing is signed twice. One of the same signer about other bytes is
replaced, which is told; anything else in its place is left alone.

Example:
  waybill attest file dist/app.tgz --key env:SIGNING_KEY --key-password env:SIGNING_PASSWORD
`,
  prints: 'report',
  options: OPTIONS,
  read: readAttestFile,
  run: runAttestFile,
})

/** @throws `entry/usage`, `entry/input-contradiction` */
function readAttestFile({
  values,
  references,
}: CommandLine<typeof OPTIONS & { json: { type: 'boolean' } }>): AttestFile {
  const [first, ...more] = references
  if (first === undefined) throw usage('There is nothing to attest', `waybill ${WORDS} PATH…`, 'no path')
  const wish: AttestFile = {
    paths: [first, ...more],
    ...predicateOf(values.predicate, values['predicate-type']),
    ...keyOf(values.key, values['key-password']),
    ...maybe('identityTokenFile', values['identity-token-file']),
    ...maybe('signingConfig', values['signing-config']),
    ...maybe('trustedRoot', values['trusted-root']),
    upload: !(values['no-upload'] ?? false),
    ...maybe('filesRepository', values['files-repository']),
    ...maybe('out', values.out),
    insecureRegistries: values['insecure-registry'] ?? [],
    json: values.json ?? false,
  }
  checkWish(wish)
  return wish
}

function predicateOf(file: string | undefined, type: string | undefined): Pick<AttestFile, 'predicate'> {
  if (file === undefined && type === undefined) return {}
  if (file === undefined || type === undefined)
    throw usage('A predicate and its type go together', '--predicate-type URI --predicate FILE')
  if (!/^[a-z][a-z0-9+.-]*:[\x21-\x7e]{1,500}$/i.test(type))
    throw usage('--predicate-type is not a URI', 'https://example.com/kind/v1', printable(type, 200))
  return { predicate: { type, file } }
}

function keyOf(key: string | undefined, password: string | undefined): Pick<AttestFile, 'key'> {
  if (key === undefined && password === undefined) return {}
  if (key === undefined) throw usage('--key-password names the password of a key', '--key FILE|env:NAME beside it')
  const place = { key, ...maybe('password', password) }
  checkKeyPlace(place)
  return { key: place }
}

function checkWish(wish: AttestFile): void {
  const { key, identityTokenFile, signingConfig, trustedRoot, upload, filesRepository } = wish
  if ((key === undefined) === (identityTokenFile === undefined))
    throw usage(
      key === undefined ? 'Nothing says who signs' : 'Two signers are named',
      '--key FILE|env:NAME, or --identity-token-file FILE',
      key === undefined ? 'neither' : 'both',
    )
  if ((signingConfig === undefined) !== (trustedRoot === undefined))
    throw usage(
      'Services and the trusted root by which they are verified go together',
      '--signing-config FILE --trusted-root FILE',
      signingConfig === undefined ? '--trusted-root alone' : '--signing-config alone',
    )
  if (!upload && filesRepository !== undefined)
    throw usage('Nothing is to be uploaded, but it is said where', '--no-upload or --files-repository', 'both')
  // 13-adversary 23: the public certificate authority has a public log of its own.
  if (!upload && identityTokenFile !== undefined && signingConfig === undefined)
    throw usage(
      'The public certificate authority publishes every certificate, so something would be uploaded',
      '--key, or --signing-config FILE --trusted-root FILE of services without a log',
      '--no-upload with the public Sigstore instance',
    )
}

async function runAttestFile(wish: AttestFile, desk: Desk): Promise<number> {
  const { world, env } = desk
  const folder = world.workingFolder
  const files = filesOf(wish, folder)
  const claim = await claimOf(wish, folder)
  if (claim.predicateType.startsWith(OWN_URI_BASE)) requireOwnNames(RELEASE_BUILD)
  const http = new HttpClient({ plainHttpHosts: wish.insecureRegistries })
  try {
    const store = await storeOf(wish, desk, http)
    const signer = await signerOf(wish, { folder, env, http })
    const ports: AttestFilesPorts = {
      hash: async path => (await hashStableFile(path)).digest,
      present: async path => ((await exists(path)) ? readFileBounded(path, LIMITS.bundleBytes) : undefined),
      write: writeFileAtomic,
      sign: statement => signer.sign(statement),
      verify: signer.verify,
      ...store,
      now: new Date(),
    }
    const statement = (file: Parameters<typeof fileStatement>[0]) => fileStatement(file, claim)
    const request = { files, statement, expectation: signer.expectation(claim.predicateType) }
    const outcomes = await attestFiles(request, ports)
    tell(outcomes, signer.unwitnessed, wish, desk)
    return exitCode(outcomes.flatMap(({ error }) => error ?? []))
  } finally {
    http.close()
  }
}

function tell(outcomes: readonly FileOutcome[], unwitnessed: boolean, wish: AttestFile, { world, alarm }: Desk): void {
  const { text, problems, data } = renderAttested(outcomes, { ...wish, unwitnessed, columns: world.columns })
  if (wish.json) world.out(`${JSON.stringify({ schemaVersion: 1, command: WORDS, data }, null, 2)}\n`)
  else {
    world.out(text)
    const warn = alarm ?? world.err
    warn(problems)
  }
}

/** @throws `pipeline/bundle-present` when two of them would have one bundle. */
function filesOf({ paths, out }: AttestFile, folder: string): readonly FileToAttest[] {
  const files = paths.map(path => {
    const whole = resolve(folder, path)
    const name = nameBelow(folder, whole)
    const base = whole.slice(whole.lastIndexOf(sep) + 1)
    const bundle = out === undefined ? whole : join(resolve(folder, out), base)
    return { path: whole, name, bundle: `${bundle}${BUNDLE_SUFFIX}` }
  })
  requireDistinct(files)
  // Bundles that a pattern of the shell brought along with their files.
  const bundles = new Set(files.map(({ bundle }) => bundle))
  return files.filter(({ path }) => !bundles.has(path))
}

/** Relative to where the command runs; of a file elsewhere the bare name, because paths of a machine are nobody's business. */
function nameBelow(folder: string, path: string): string {
  const way = relative(folder, path).split(sep)
  return way[0] === '..' || isAbsolute(way.join(sep)) ? (way.at(-1) ?? path) : way.join('/')
}

async function claimOf({ predicate }: AttestFile, folder: string): Promise<FileClaim> {
  if (predicate === undefined) return SIGNATURE_CLAIM
  const bytes = await readFileBounded(resolve(folder, predicate.file), LIMITS.predicateBytes)
  const value = parseJson(bytes, 'predicate')
  if (isObject(value)) return { predicateType: predicate.type, predicate: value }
  throw fail('entry/usage', 'The predicate is not a JSON object', { expected: '{ … }', found: typeof value })
}

async function storeOf(wish: AttestFile, { env }: Desk, http: HttpClient): Promise<Pick<AttestFilesPorts, 'publish'>> {
  if (wish.filesRepository === undefined) return {}
  const repository = filesRepository(wish.filesRepository)
  const credentials = await loadCredentials(env, env.HOME)
  const client = new RegistryClient({ http, credentials, plainHttpHosts: wish.insecureRegistries })
  await client.checkPush(repository) // before anything is signed
  return {
    publish: async (digest, bundle) => {
      const { tag } = await pushFileBundles(client, repository, digest, [bundle])
      return formatReference({ ...repository, tag })
    },
  }
}

/** @throws `entry/usage` for a reference with a tag or digest, `registry/reference-malformed`. */
export function filesRepository(text: string): Repository {
  const reference = parseReference(text)
  if (reference.tag === undefined && reference.digest === undefined) return repositoryOf(reference)
  throw usage('The repository of files is one without tag and digest', formatReference(repositoryOf(reference)), text)
}

/** 1-product § 8: what was checked and bad weighs most, then what could not be done, then what was not understood. */
function exitCode(errors: readonly WaybillError[]): number {
  const kinds = errors.map(({ kind }) => kind)
  const worst = (['rejected', 'unknown', 'configuration'] as const).find(kind => kinds.includes(kind))
  return worst === undefined ? 0 : exitCodeOfError(worst)
}
