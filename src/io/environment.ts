/** The process' environment, read once at the door; every room gets the values it needs as arguments. */
export type Environment = Readonly<Record<string, string | undefined>>

export function environment(): Environment {
  return process.env
}

/** The machine's processor as Node names it: `x64`, `arm64`. */
export function architecture(): string {
  return process.arch
}

/** Variables a child may see; everything else stays here. 5-build § 1, 13-adversary 16. */
const CHILD_ALLOWED = [
  'PATH',
  'HOME',
  'TMPDIR',
  'USER',
  'LOGNAME',
  'XDG_RUNTIME_DIR',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'NODE_EXTRA_CA_CERTS',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
] as const

/** The environment of a child: an allow-list, plus what the caller adds. Never a token or an `INPUT_*`. */
export function childEnvironment(
  parent: Environment,
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const child: Record<string, string> = { LC_ALL: 'C' }
  for (const name of CHILD_ALLOWED) {
    const value = parent[name]
    if (value !== undefined) child[name] = value
  }
  return { ...child, ...extra }
}
