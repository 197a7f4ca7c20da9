import { isAbsolute, join } from 'node:path'
import { asWaybillError, fail } from '../core/error.ts'
import { type Json, type JsonObject, parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { arrayAt, objectAt, optional, stringAt } from '../core/shape.ts'
import { printable } from '../core/text.ts'
import { childEnvironment, type Environment } from '../io/environment.ts'
import { findTool, run } from '../io/process.ts'
import { unusable } from './kubeconfig.ts'

/** What a credential plugin gives: a token, or a client certificate with its key. */
export interface PluginCredential {
  readonly token?: string
  /** PEM. */
  readonly certificate?: string
  readonly key?: string
}

export interface PluginWorld {
  readonly env: Environment
  /** Variables that the caller wants it to see besides. */
  readonly pass: readonly string[]
  /** Where a relative command of the kubeconfig leads from. */
  readonly folder: string
}

const VERSIONS = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1']
/** What a header can carry: anything else in a token would begin another header. RFC 6750 § 2.1 */
const TOKEN = /^[A-Za-z0-9._~+/=-]{1,65536}$/

/**
 * Runs the `exec` of a kubeconfig user: kubernetes.io, Authentication § client-go credential plugins. It is chosen by whoever
 * wrote the kubeconfig, so it sees what every child sees (13-adversary 16), what the kubeconfig sets for it, and the variables
 * that the caller names; never a shell, never the terminal.
 * @throws `verify/kubeconfig-unusable`, `verify/credential-plugin-failed`
 */
export async function runPlugin(exec: unknown, { env, pass, folder }: PluginWorld): Promise<PluginCredential> {
  const plugin = readPlugin(exec)
  const file = programOf(plugin.command, env, folder)
  const named = pass.flatMap(name => (env[name] === undefined ? [] : [[name, env[name]] as const]))
  const info = { apiVersion: plugin.apiVersion, kind: 'ExecCredential', spec: { interactive: false } }
  const child = { ...Object.fromEntries(named), ...plugin.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) }
  const { code, stdout } = await run({
    file,
    args: plugin.args,
    env: childEnvironment(env, child),
    cwd: folder,
    timeoutMs: LIMITS.pluginMs,
    maxOutputBytes: LIMITS.pluginBytes,
  }).catch(cause => {
    throw failed(file, asWaybillError(cause).message)
  })
  // What it prints beside the credential may quote one, so nothing of it is shown.
  if (code !== 0) throw failed(file, `exit code ${code}`)
  try {
    return readCredential(stdout, plugin.apiVersion)
  } catch (cause) {
    throw failed(file, asWaybillError(cause).code === 'core/shape' ? asWaybillError(cause).message : 'no credential')
  }
}

interface Plugin {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly apiVersion: string
}

function readPlugin(value: unknown): Plugin {
  try {
    const exec = objectAt(value as Json, 'exec')
    const apiVersion = stringAt(exec.apiVersion, 'exec.apiVersion')
    if (!VERSIONS.includes(apiVersion))
      throw unusable('The plugin speaks another version', VERSIONS.join(', '), apiVersion)
    if (exec.interactiveMode === 'Always') throw unusable('The plugin wants a terminal', 'one that needs none')
    const env = arrayAt(exec.env ?? [], 'exec.env').map(item => objectAt(item, 'exec.env'))
    return {
      command: stringAt(exec.command, 'exec.command'),
      args: arrayAt(exec.args ?? [], 'exec.args').map(arg => stringAt(arg, 'exec.args')),
      env: Object.fromEntries(env.map(({ name, value }) => [stringAt(name, 'exec.env'), stringAt(value, 'exec.env')])),
      apiVersion,
    }
  } catch (error) {
    const known = asWaybillError(error)
    if (known.code === 'verify/kubeconfig-unusable') throw known
    throw unusable(`The user of the kubeconfig is malformed: ${known.message}`, 'command, args and env as texts')
  }
}

/** A name is looked for in PATH; a path is one from the kubeconfig's folder. */
function programOf(command: string, env: Environment, folder: string): string {
  const path = isAbsolute(command) ? command : command.includes('/') ? join(folder, command) : undefined
  const file = path ?? findTool(command, env.PATH ?? '')
  if (file === undefined) throw failed(command, 'no such program in PATH')
  return file
}

function readCredential(stdout: Uint8Array, apiVersion: string): PluginCredential {
  const credential = parseJsonObject(stdout, 'credential')
  if (credential.kind !== 'ExecCredential' || credential.apiVersion !== apiVersion)
    throw fail('core/shape', 'The answer is no credential of this version', {
      expected: `ExecCredential ${apiVersion}`,
    })
  const status: JsonObject = objectAt(credential.status, 'status')
  const token = optional(status.token, stringAt, 'status.token')
  const certificate = optional(status.clientCertificateData, stringAt, 'status.clientCertificateData')
  const key = optional(status.clientKeyData, stringAt, 'status.clientKeyData')
  if (token !== undefined && !TOKEN.test(token))
    throw fail('core/shape', 'status.token is not one that a header can carry', { expected: 'a bearer token' })
  if (token === undefined && (certificate === undefined || key === undefined))
    throw fail('core/shape', 'status holds neither a token nor a certificate with its key', { expected: 'one of them' })
  return {
    ...(token === undefined ? {} : { token }),
    ...(certificate === undefined || key === undefined ? {} : { certificate, key }),
  }
}

function failed(file: string, found: string): Error {
  return fail('verify/credential-plugin-failed', `${printable(file, 200)} gave no credential`, {
    expected: 'an ExecCredential on standard output, and exit code 0',
    found,
  })
}
