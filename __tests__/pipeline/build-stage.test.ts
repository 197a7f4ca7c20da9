import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Builder } from '../../src/build/builder.ts'
import { fail } from '../../src/core/error.ts'
import type { AttestPorts, AttestRequest } from '../../src/pipeline/attest-request.ts'
import { buildImage } from '../../src/pipeline/build-stage.ts'
import type { MaterialsOutcome } from '../../src/pipeline/materials-outcome.ts'
import { RunRecord } from '../../src/pipeline/run.ts'
import type { SourceOutcome } from '../../src/pipeline/source-stage.ts'
import { StageLog } from '../../src/pipeline/stages.ts'
import { DIGEST } from '../build/support.ts'
import { codeOf } from '../registry/support.ts'

/** Builds an empty tree, and tells in which order things came to their end. */
function stage(over: Partial<Builder> & { readonly exported?: () => Promise<void> } = {}) {
  const done: string[] = []
  const { exported = async () => {}, ...parts } = over
  const builder: Builder = {
    name: 'buildx',
    prepare: async () => void done.push('prepared'),
    build: async ({ commitFolder }) => {
      done.push(commitFolder === '' ? 'built from nothing' : 'built')
      const facts = { builder: 'buildx', tools: [], pushedTo: [], notes: [] } as const
      return { digest: DIGEST, ...facts }
    },
    ...parts,
  }
  const history = {
    fetchTree: async () => {
      await exported()
      done.push('exported')
    },
    tree: async () => [],
  }
  const folder = async (name: string) => join(mkdtempSync(join(tmpdir(), 'waybill-stage-')), name)
  const source = { history, commit: { id: 'c', tree: 't', committer: { time: 5 } } } as unknown as SourceOutcome
  const materials: MaterialsOutcome = {
    claim: { mode: 'off', verdict: 'not-asked' },
    judged: [],
    placed: new Map(),
    contexts: new Map(),
  }
  const ports = { folder, now: () => new Date(0) } as unknown as AttestPorts
  const request = { build: { platforms: [] } } as unknown as AttestRequest
  const record = new RunRecord(new StageLog({ clock: () => 0, requests: () => 0, progress: () => {} }))
  return { done, run: () => buildImage(request, ports, { builder, files: [] }, { source, materials }, record) }
}

test('13-adversary 19: the builder is proved while the tree is written, and builds after both', async () => {
  let exported = () => {}
  const written = new Promise<void>(resolve => {
    exported = resolve
  })
  const prepare = async () => exported()
  const { done, run } = stage({ prepare, exported: () => written })
  await run()
  expect(done).toEqual(['exported', 'built'])
})

test('13-adversary 19: a builder that does not prove itself builds nothing, and the tree is written to its end', async () => {
  const prepare = async () => {
    throw fail('materials/policy-not-enforced', 'It does not')
  }
  const { done, run } = stage({ prepare })
  expect(await codeOf(run)).toBe('materials/policy-not-enforced')
  expect(done).toEqual(['exported'])
})

test('13-adversary 14: without the verified tree nothing is built, however ready the builder is', async () => {
  const exported = async () => {
    throw fail('source/object-missing', 'It is gone')
  }
  const { done, run } = stage({ exported })
  expect(await codeOf(run)).toBe('source/object-missing')
  expect(done).toEqual(['prepared'])
})

test('a builder that has nothing to prepare builds the tree', async () => {
  const { done, run } = stage({ prepare: undefined } as unknown as Partial<Builder>)
  await run()
  expect(done).toEqual(['exported', 'built'])
})
