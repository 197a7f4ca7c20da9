import { randomUUID, sign } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { answers, onFreePorts, type Supervisor } from '../../tools/peers/process.ts'
import { p256 } from '../fakes/keys.ts'
import { type Service, startService } from '../fakes/service.ts'

export interface TokenRegistry {
  readonly host: string
  readonly tokens: Service
  /** Milliseconds a token lives by the registry's own clock; what the token server says of it is more. */
  livesMs: number
  /** Tokens given so far. */
  readonly issued: number
  close(): Promise<void>
}

/** How long after its end distribution still takes a token; registry/auth/token, Leeway. */
const LEEWAY_S = 60

/** distribution 3.1 that takes nothing but tokens, and the server that issues them. */
export async function startTokenRegistry(
  folder: string,
  program: string,
  supervisor: Supervisor,
): Promise<TokenRegistry> {
  const key = await p256()
  const kid = randomUUID()
  const state = { livesMs: 60_000, issued: 0 }
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const tokens = await startService('token server', ({ queryText }) => {
    const now = Date.now() / 1000
    const access = new URLSearchParams(queryText).getAll('scope').map(scope => {
      const [type, name, actions = ''] = scope.split(':')
      return { type, name, actions: actions.split(',') }
    })
    const end = Math.floor(now + state.livesMs / 1000 - LEEWAY_S)
    const claims = {
      iss: 'waybill',
      aud: 'registry',
      sub: 'alice',
      jti: randomUUID(),
      exp: end,
      nbf: end - 600,
      iat: end - 600,
      access,
    }
    const text = `${encode({ typ: 'JWT', alg: 'ES256', kid })}.${encode(claims)}`
    const signature = sign('sha256', Buffer.from(text), { key: key.privateKey, dsaEncoding: 'ieee-p1363' })
    state.issued += 1
    return {
      status: 200,
      body: JSON.stringify({ token: `${text}.${signature.toString('base64url')}`, expires_in: 300 }),
    }
  })
  const storage = join(folder, 'registry-tokens')
  await mkdir(storage, { recursive: true })
  const jwks = join(folder, 'jwks.json')
  const jwk = { ...key.publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' }
  await writeFile(jwks, JSON.stringify({ keys: [jwk] }))
  const host = await onFreePorts(1, async ([port = 0]) => {
    const own = `127.0.0.1:${port}`
    const config = join(folder, 'registry-tokens.yml')
    const auth = { token: { realm: `${tokens.url}/token`, service: 'registry', issuer: 'waybill', jwks } }
    const shared = { version: 0.1, log: { level: 'warn' }, storage: { filesystem: { rootdirectory: storage } } }
    await writeFile(config, stringify({ ...shared, http: { addr: own }, auth }))
    await supervisor.start({
      name: 'registry-tokens',
      command: program,
      args: ['serve', config],
      ready: answers(`http://${own}/v2/`),
    })
    return own
  })
  return Object.assign(state, { host, tokens, close: () => tokens.close() })
}
