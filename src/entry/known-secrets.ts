import type { Login } from '../build/builder.ts'
import { isPlace, isSecretName } from '../build/secret-detector.ts'
import type { AttestInputs } from '../github/attest-inputs.ts'
import type { WorkflowLog } from '../github/commands.ts'
import type { Environment } from '../io/environment.ts'

/** Variables of the action's own inputs are read by name; `github-token` is the one secret among them. */
const INPUT = /^INPUT_/i
/** Shorter values are words that stand in innocent text: `true`, `none`, `default`. */
const SECRET_CHARACTERS = 8
const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'] as const

/**
 * Every value that this run knows to be secret: what it has hidden in the log, what the runner gives a job to prove itself with,
 * logins of registries and proxies, and variables of the job whose name says so. The runner tells nobody what else it masks.
 */
export function knownSecrets(
  {
    env,
    inputs,
    log,
  }: { readonly env: Environment; readonly inputs: Pick<AttestInputs, 'githubToken'>; readonly log: WorkflowLog },
  logins: readonly Login[] = [],
): readonly string[] {
  const own = [inputs.githubToken, env.ACTIONS_ID_TOKEN_REQUEST_TOKEN, env.ACTIONS_RUNTIME_TOKEN]
  const named = Object.entries(env).flatMap(([name, value = '']) => (isSecretVariable(name, value) ? [value] : []))
  const all = [
    ...own,
    ...log.masked,
    ...named,
    ...PROXIES.map(name => passwordOf(env[name])),
    ...logins.map(({ password }) => password),
  ]
  return [...new Set(all.filter((secret): secret is string => secret !== undefined && secret.trim() !== ''))]
}

function isSecretVariable(name: string, value: string): boolean {
  if (INPUT.test(name) || !isSecretName(name)) return false
  // A path of a file that holds it is none, whatever its variable is called.
  return value.trim().length >= SECRET_CHARACTERS && !isPlace(value)
}

function passwordOf(proxy: string | undefined): string | undefined {
  if (proxy === undefined || !URL.canParse(proxy)) return undefined
  const { password } = new URL(proxy)
  return password.length < SECRET_CHARACTERS ? undefined : password
}
