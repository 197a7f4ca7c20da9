import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { HttpClient } from '../../src/io/http.ts'
import { attachBundles } from '../../src/registry/bundles.ts'
import { RegistryClient } from '../../src/registry/client.ts'
import { pushLayout } from '../../src/registry/layout.ts'
import { parseReference, repositoryOf } from '../../src/registry/reference.ts'
import type { Receipt } from '../../src/report/receipt.ts'
import { COSIGN_SIGN_PREDICATE } from '../../src/statements/statement.ts'
import { writeLayout } from '../fakes/layout.ts'
import { type EmbeddedRegistry, startRegistry } from '../fakes/registry/registry.ts'
import { execute } from '../fakes/scenario.ts'
import { type GateBench, openGateBench } from './gate-support.ts'

jest.setTimeout(120_000)

const CLI = join(import.meta.dirname, '../../dist/cli.js')

let bench: GateBench

beforeAll(async () => {
  bench = await openGateBench()
})

afterAll(() => bench.close())

/** A signed image in a registry that lets nobody in without a login. @returns its reference. */
async function privateImage(registry: EmbeddedRegistry): Promise<string> {
  const http = new HttpClient()
  const credentials = {
    find: async () => ({ kind: 'password', username: 'alice', password: 'alice-password' }) as const,
  }
  const client = new RegistryClient({ http, credentials })
  const repository = repositoryOf(parseReference(`${registry.host}/acme/secret`))
  const layout = writeLayout(join(bench.scenario.stack.folder, `private-${registry.port}`), { content: 'secret' })
  const subject = await pushLayout(client, repository, layout.folder)
  const bundle = await bench.here.signature(subject.digest)
  await attachBundles(client, repository, [
    { subject, predicateType: COSIGN_SIGN_PREDICATE, created: new Date(0), bundle },
  ])
  http.close()
  return `${registry.host}/acme/secret@${subject.digest}`
}

async function verify(reference: string, registry: EmbeddedRegistry, login: string | undefined) {
  const home = join(bench.scenario.stack.folder, `home-${registry.port}-${login ?? 'nobody'}`)
  mkdirSync(join(home, '.docker'), { recursive: true })
  const auths = login === undefined ? {} : { [registry.host]: { auth: Buffer.from(login).toString('base64') } }
  const [config, written] = [join(home, '.docker/config.json'), JSON.stringify({ auths })]
  writeFileSync(config, written)
  const args = [CLI, 'verify', 'image', reference, ...bench.scenario.expected, '--json']
  const { code, stdout } = await execute(args, { PATH: '', HOME: home }, home)
  return { code, receipt: JSON.parse(stdout) as Receipt, stdout, config, written }
}

test.each(['basic', 'bearer'] as const)('a private registry with %s logins', async auth => {
  const registry = await startRegistry({ auth })
  try {
    const reference = await privateImage(registry)
    const reader = await verify(reference, registry, 'bob:bob-password')
    expect([reader.code, reader.receipt.verdict]).toEqual([0, 'passed'])
    expect(reader.stdout).not.toContain('bob-password')
    expect(readFileSync(reader.config, 'utf8')).toBe(reader.written)
    for (const login of ['bob:wrong', undefined]) {
      const { code, receipt } = await verify(reference, registry, login)
      expect([code, receipt.verdict]).toEqual([2, 'unknown'])
    }
  } finally {
    await registry.close()
  }
})
