import { decodeUtf8, utf8 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import { parseJsonObject } from '../core/json.ts'
import { stringAt } from '../core/shape.ts'
import { printable } from '../core/text.ts'
import { childEnvironment, type Environment } from '../io/environment.ts'
import { findTool, run } from '../io/process.ts'
import type { Credential } from './credentials.ts'

/** 13-adversary 16: the name comes from a file; with a slash it would name any program. */
const HELPER_NAME = /^[A-Za-z0-9._-]+$/
/** What cloud and desktop helpers need beyond a child's usual environment; the job's own tokens are not among it. */
const HELPER_VARIABLES =
  /^(?:AWS_|GOOGLE_|CLOUDSDK_|AZURE_|GNUPGHOME$|PASSWORD_STORE_DIR$|DBUS_SESSION_BUS_ADDRESS$|DISPLAY$|DOCKER_CONFIG$)/
const HELPER_MS = 30_000

/**
 * Asks `docker-credential-<name> get` for the login of one host: the server on stdin, JSON on stdout.
 * @returns undefined when the helper answers that it has none.
 * @throws `registry/credential-helper-failed`; its output is not shown, it may hold a secret.
 */
export async function askHelper(name: string, host: string, env: Environment): Promise<Credential | undefined> {
  if (!HELPER_NAME.test(name))
    throw failed(name, host, 'a helper name with other characters than letters, digits . _ -')
  const file = findTool(`docker-credential-${name}`, env.PATH ?? '')
  if (file === undefined) throw failed(name, host, 'no such program on PATH')
  // Docker files Docker Hub's login under this URL since its first version.
  const server = host === 'docker.io' ? 'https://index.docker.io/v1/' : host
  const extra = Object.entries(env).flatMap(([key, value]) =>
    HELPER_VARIABLES.test(key) && value !== undefined ? [[key, value] as const] : [],
  )
  const result = await run({
    file,
    args: ['get'],
    env: childEnvironment(env, Object.fromEntries(extra)),
    input: utf8(server),
    timeoutMs: HELPER_MS,
    maxOutputBytes: 1024 * 1024,
  })
  const output = decodeUtf8(result.stdout) ?? ''
  if (result.code !== 0) {
    if (/credentials not found|no credentials/i.test(output)) return undefined
    throw failed(name, host, `exit code ${result.code}`)
  }
  return readAnswer(result.stdout, name, host)
}

function readAnswer(bytes: Uint8Array, name: string, host: string): Credential {
  let username: string
  let secret: string
  try {
    const answer = parseJsonObject(bytes, 'helper’s answer')
    username = stringAt(answer.Username, 'Username')
    secret = stringAt(answer.Secret, 'Secret')
  } catch {
    throw failed(name, host, 'an answer that is not {"Username": …, "Secret": …}')
  }
  // The protocol's mark for "the secret is an identity token".
  if (username === '<token>') return { kind: 'refresh', refreshToken: secret }
  return { kind: 'password', username, password: secret }
}

function failed(name: string, host: string, found: string): Error {
  return fail(
    'registry/credential-helper-failed',
    `docker-credential-${printable(name, 60)} gave no login for ${printable(host)}`,
    { expected: 'a login as JSON on stdout', found },
  )
}
