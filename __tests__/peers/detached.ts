import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Gpg } from '../fakes/gpg.ts'
import { fileOf, signFile } from './signing.ts'
import type { World } from './world.ts'

const run = promisify(execFile)

export const TOOLS = ['gpg', 'ssh-keygen', 'minisign', 'cosign 3'] as const
export type Tool = (typeof TOOLS)[number]

/** One program that signs files, with a key of its own. */
export interface Signatory {
  /** What stands behind the name of a file in that of its signature. */
  readonly ending: string
  /** In `material-keys` of a policy. */
  readonly key: string
  /** Below the policy's folder. */
  readonly keyFiles: Readonly<Record<string, string>>
  /** `verify` of an item whose address is `uri`. @param key a name in `material-keys`. */
  verify(key: string): string
  sign(bytes: Uint8Array): Promise<string | Uint8Array>
  /** In the form of older programs, over the bytes instead of their digest. */
  signOlder?(bytes: Uint8Array): Promise<string | Uint8Array>
  close?(): void
}

/** @param name of its keys and their files: letters and digits. */
export async function signatory(world: World, tool: Tool, name: string): Promise<Signatory> {
  const folder = mkdtempSync(join(world.stack.folder, 'signatory-'))
  if (tool === 'gpg') return gpg(name)
  if (tool === 'ssh-keygen') return ssh(world, folder)
  if (tool === 'cosign 3') return cosign(world, name)
  return minisign(world, folder, name)
}

function gpg(name: string): Signatory {
  const home = new Gpg()
  const fingerprint = home.makeKey(`${name} <${name}@example.com>`, 'rsa3072')
  const file = `keys/${name}.asc`
  return {
    ending: '.asc',
    key: `{ openpgp: { fingerprint: ${fingerprint}, file: ${file} } }`,
    keyFiles: { [file]: home.exported(fingerprint) },
    verify: key => `{ openpgp: { signature: "{uri}.asc", key: ${key} } }`,
    sign: async bytes => home.sign(fingerprint, bytes),
    close: () => home.close(),
  }
}

async function ssh({ stack }: World, folder: string): Promise<Signatory> {
  const program = stack.peers.debian['ssh-keygen']
  const key = join(folder, 'key')
  await run(program, ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', key])
  return {
    ending: '.sig',
    key: `{ ssh: { key: "${readFileSync(`${key}.pub`, 'utf8').trim()}" } }`,
    keyFiles: {},
    verify: name => `{ ssh: { signature: "{uri}.sig", key: ${name}, namespace: file } }`,
    sign: async bytes => {
      const file = join(mkdtempSync(join(folder, 'signed-')), 'file')
      writeFileSync(file, bytes)
      await run(program, ['-q', '-Y', 'sign', '-f', key, '-n', 'file', file])
      return readFileSync(`${file}.sig`)
    },
  }
}

async function minisign({ stack }: World, folder: string, name: string): Promise<Signatory> {
  const program = stack.peers.debian.minisign
  const [secret, open] = [join(folder, 'secret.key'), join(folder, 'open.pub')]
  await run(program, ['-G', '-W', '-p', open, '-s', secret])
  const file = `keys/${name}.pub`
  const sign = async (bytes: Uint8Array, ...form: readonly string[]) => {
    const signed = join(mkdtempSync(join(folder, 'signed-')), 'file')
    writeFileSync(signed, bytes)
    await run(program, ['-S', ...form, '-s', secret, '-m', signed])
    return readFileSync(`${signed}.minisig`)
  }
  return {
    ending: '.minisig',
    key: `{ minisign: { file: ${file} } }`,
    keyFiles: { [file]: readFileSync(open, 'utf8') },
    verify: key => `{ minisign: { signature: "{uri}.minisig", key: ${key} } }`,
    sign: bytes => sign(bytes),
    signOlder: bytes => sign(bytes, '-l'),
  }
}

/** Each name is the run of another repository. */
function cosign(world: World, name: string): Signatory {
  const { git, oidc } = world.stack
  const repository = `acme/${name}`
  const identity = `${git.url}/${repository}/.github/workflows/release.yml@refs/heads/main`
  const who = `identity: "${identity}", issuer: "${oidc.issuer}"`
  return {
    ending: '.sigstore.json',
    key: `{ sigstore: { ${who} }, trust: { file: trust/root.json } }`,
    keyFiles: {},
    verify: () => `{ sigstore: { bundle: "{uri}.sigstore.json", ${who} } }`,
    sign: async bytes => {
      const file = fileOf(world, `${name}-file`, bytes)
      return readFileSync(await signFile(world, 'cosign3', 'sign', file, { claims: { repository } }))
    },
  }
}
