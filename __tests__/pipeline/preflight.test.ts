import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import { LIMITS } from '../../src/core/limits.ts'
import type { AttestPorts, AttestRequest } from '../../src/pipeline/attest-request.ts'
import { preflight } from '../../src/pipeline/preflight.ts'
import { RunRecord } from '../../src/pipeline/run.ts'
import { StageLog } from '../../src/pipeline/stages.ts'
import { fallbackTag } from '../../src/registry/fallback.ts'
import { OCI_INDEX } from '../../src/registry/manifest.ts'
import { startRegistry } from '../fakes/registry/registry.ts'
import { closeAll, codeOf, connect, keep } from '../registry/support.ts'

afterEach(closeAll)

/** A run that signs, and what it asked of the world before it ended. */
async function ended(release: boolean): Promise<{ readonly code: string; readonly asked: readonly string[] }> {
  const asked: string[] = []
  const ask = (name: string) => async () => {
    asked.push(name)
    throw new Error(`${name} was asked`)
  }
  const ports = { identity: ask('identity'), builder: ask('builder'), registry: { warm: () => asked.push('registry') } }
  const request = {
    sign: true,
    push: false,
    given: {},
    release,
    repositories: [{ host: 'localhost', repository: 'acme/app' }],
  }
  const record = new RunRecord(new StageLog({ clock: () => 0, requests: () => 0, progress: () => {} }))
  const run = preflight(request as unknown as AttestRequest, ports as unknown as AttestPorts, record)
  const error = await run.then(
    () => new Error('It went on'),
    (reason: Error & { readonly code?: string }) => reason,
  )
  return { code: 'code' in error ? String(error.code) : error.message, asked }
}

test('13-adversary 44: a release with a placeholder as its own name asks nobody for anything', async () => {
  expect(await ended(true)).toEqual({ code: 'statements/placeholder-uri', asked: [] })
  expect(await ended(false)).toEqual({ code: 'identity was asked', asked: ['registry', 'identity', 'builder'] })
})

test('13-adversary 26: preflight stops at a fallback index over 3 MB', async () => {
  const { host } = keep(await startRegistry({ referrers: false }))
  const { client: registry, repository } = connect(host)
  const digest = sha256('an image that was built elsewhere')
  const run = (given: object): Promise<unknown> => {
    const nothing = async (): Promise<undefined> => undefined
    const names = ['builder', 'identity', 'guardTransparency', 'session', 'verifier']
    const ports = { registry, ...Object.fromEntries(names.map(name => [name, nothing])) }
    const request = { sign: true, push: true, given, release: false, repositories: [repository] }
    const record = new RunRecord(new StageLog({ clock: () => 0, requests: () => 0, progress: () => {} }))
    return preflight(request as unknown as AttestRequest, ports as unknown as AttestPorts, record)
  }
  await run({ digest })
  const annotations = { x: 'y'.repeat(LIMITS.fallbackIndexBytes) }
  const index = utf8(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [], annotations }))
  await registry.putManifest(repository, fallbackTag(digest), OCI_INDEX, index)
  expect(await codeOf(run({ digest }))).toBe('registry/fallback-too-large')
  await run({})
})
