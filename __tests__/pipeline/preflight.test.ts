import type { AttestPorts, AttestRequest } from '../../src/pipeline/attest-request.ts'
import { preflight } from '../../src/pipeline/preflight.ts'
import { RunRecord } from '../../src/pipeline/run.ts'
import { StageLog } from '../../src/pipeline/stages.ts'

/** A run that signs, and what it asked of the world before it ended. */
async function ended(release: boolean): Promise<{ readonly code: string; readonly asked: readonly string[] }> {
  const asked: string[] = []
  const ask = (name: string) => async () => {
    asked.push(name)
    throw new Error(`${name} was asked`)
  }
  const ports = { identity: ask('identity'), builder: ask('builder'), registry: { warm: () => asked.push('registry') } }
  const request = { sign: true, push: false, release, repositories: [{ host: 'localhost', repository: 'acme/app' }] }
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
