import { randomBytes } from 'node:crypto'
import type { Reply } from './reply.ts'

export interface RegistryUser {
  readonly name: string
  readonly password: string
  readonly access: 'read' | 'write'
  /** As `identitytoken` of a docker configuration: exchanged by `grant_type=refresh_token`. */
  readonly refreshToken?: string
}

export interface AccessOptions {
  readonly auth?: 'none' | 'basic' | 'bearer'
  /** Default: alice may write, bob may only read. The password is `<name>-password`. */
  readonly users?: readonly RegistryUser[]
  /** Whether pulls need no login (Bearer only); default false. */
  readonly anonymousPull?: boolean
  readonly tokenSeconds?: number
  /** Requests one token is good for, however long it lives; default: any number. */
  readonly tokenUses?: number
  /** Status for a known user without the right: GHCR says 403, docker/distribution 401; default 403. */
  readonly denial?: 401 | 403
  /** Other text for the challenge's realm, to lie about it. */
  readonly realm?: string
  /** Extra challenges put before the real one in the same header. */
  readonly challengePrefix?: string
}

const USERS: readonly RegistryUser[] = [
  { name: 'alice', password: 'alice-password', access: 'write', refreshToken: 'alice-refresh' },
  { name: 'bob', password: 'bob-password', access: 'read' },
]

interface Grant {
  readonly user: RegistryUser | undefined
  readonly actions: ReadonlyMap<string, readonly string[]>
  readonly expires: number
  uses: number
}

/** Who may do what: nothing, Basic, or Bearer with an own token endpoint whose tokens are short-lived and scoped. */
export class Access {
  tokensIssued = 0
  readonly #options: AccessOptions
  readonly #grants = new Map<string, Grant>()

  constructor(options: AccessOptions) {
    this.#options = options
  }

  /** Forgets every token, as a registry does that restarts or rotates keys. */
  expireTokens(): void {
    this.#grants.clear()
  }

  /** Undefined = allowed; else the answer that refuses. */
  refuse(
    authorization: string | undefined,
    origin: string,
    repository: string,
    action: 'pull' | 'push',
  ): Reply | undefined {
    const kind = this.#options.auth ?? 'none'
    if (kind === 'none') return undefined
    if (kind === 'basic') {
      const user = this.#basicUser(authorization)
      if (user === undefined) return unauthorized(`${this.#prefix()}Basic realm="embedded registry"`)
      return action === 'push' && user.access === 'read' ? this.#denied('Basic realm="embedded registry"') : undefined
    }
    return this.#refuseBearer(authorization, origin, repository, action)
  }

  #refuseBearer(
    authorization: string | undefined,
    origin: string,
    repository: string,
    action: string,
  ): Reply | undefined {
    const wanted = action === 'push' ? 'pull,push' : 'pull'
    const scope = repository === '' ? '' : `,scope="repository:${repository}:${wanted}"`
    const realm = this.#options.realm ?? `${origin}/token`
    const challenge = `${this.#prefix()}Bearer realm="${realm}",service="embedded-registry"${scope}`
    const token = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1]
    const grant = this.#grants.get(token ?? '')
    if (grant === undefined || grant.expires <= Date.now()) return unauthorized(challenge)
    if (++grant.uses > (this.#options.tokenUses ?? Infinity)) return unauthorized(challenge)
    if (repository === '') return undefined
    const actions = grant.actions.get(repository)
    if (actions?.includes(action)) return undefined
    // A token without the scope asks for a better one; a user who was given less than he asked for is refused.
    if (actions === undefined || (action === 'push' && grant.user?.access !== 'read')) return unauthorized(challenge)
    return this.#denied(`${challenge},error="insufficient_scope"`)
  }

  /** The token endpoint: GET with Basic or nothing, POST with password or refresh_token grant. */
  token(method: string, query: URLSearchParams, authorization: string | undefined, body: string): Reply {
    const form = method === 'POST' ? new URLSearchParams(body) : query
    let user: RegistryUser | undefined
    if (method === 'POST') {
      user = this.#users().find(candidate =>
        form.get('grant_type') === 'refresh_token'
          ? candidate.refreshToken !== undefined && candidate.refreshToken === form.get('refresh_token')
          : candidate.name === form.get('username') && candidate.password === form.get('password'),
      )
    } else user = this.#basicUser(authorization)
    const anonymous = method === 'GET' && authorization === undefined
    if (user === undefined && !anonymous)
      return { status: 401, body: JSON.stringify({ errors: [{ code: 'UNAUTHORIZED' }] }) }
    const scopes = form.getAll('scope').flatMap(scope => scope.split(' ').filter(part => part !== ''))
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(this.#issue(user, scopes)),
    }
  }

  #issue(user: RegistryUser | undefined, scopes: readonly string[]): object {
    const actions = new Map<string, readonly string[]>()
    for (const scope of scopes) {
      const [type, name, wanted] = scope.split(':')
      if (type !== 'repository' || name === undefined || wanted === undefined) continue
      const allowed =
        user === undefined
          ? this.#options.anonymousPull
            ? ['pull']
            : []
          : user.access === 'write'
            ? ['pull', 'push']
            : ['pull']
      const granted = wanted.split(',').filter(action => allowed.includes(action))
      if (user !== undefined || granted.length > 0) actions.set(name, [...(actions.get(name) ?? []), ...granted])
    }
    const token = randomBytes(24).toString('hex')
    const seconds = this.#options.tokenSeconds ?? 300
    this.tokensIssued++
    this.#grants.set(token, { user, actions, expires: Date.now() + seconds * 1000, uses: 0 })
    return { token, access_token: token, expires_in: seconds, issued_at: new Date().toISOString() }
  }

  #users(): readonly RegistryUser[] {
    return this.#options.users ?? USERS
  }

  #prefix(): string {
    return this.#options.challengePrefix === undefined ? '' : `${this.#options.challengePrefix}, `
  }

  #basicUser(authorization: string | undefined): RegistryUser | undefined {
    const encoded = /^Basic (.+)$/i.exec(authorization ?? '')?.[1]
    if (encoded === undefined) return undefined
    const pair = Buffer.from(encoded, 'base64').toString()
    return this.#users().find(user => `${user.name}:${user.password}` === pair)
  }

  #denied(challenge: string): Reply {
    const body = JSON.stringify({ errors: [{ code: 'DENIED', message: 'requested access to the resource is denied' }] })
    return this.#options.denial === 401 ? { ...unauthorized(challenge), body } : { status: 403, body }
  }
}

function unauthorized(challenge: string): Reply {
  return {
    status: 401,
    headers: { 'www-authenticate': challenge, 'content-type': 'application/json' },
    body: JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] }),
  }
}
