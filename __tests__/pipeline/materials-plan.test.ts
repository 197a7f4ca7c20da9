import { utf8 } from '../../src/core/bytes.ts'
import { asWaybillError } from '../../src/core/error.ts'
import type { AttestPorts } from '../../src/pipeline/attest-request.ts'
import { type MaterialsPlan, planMaterials } from '../../src/pipeline/materials-plan.ts'
import type { SourceOutcome } from '../../src/pipeline/source-stage.ts'
import { COMMIT, lawOf, newRecord, RULES, requestOf, treeOf } from './materials-world.ts'

const OUTSIDE = { repository: 'acme/policies', ref: COMMIT, path: 'waybill.yml' }

/** A run with a policy of another repository, whose text this is. */
async function planned(text: string, own?: string, over: Record<string, unknown> = {}) {
  const { root, history } = treeOf({ 'waybill.yml': text, 'keys/tool.pub': KEY })
  const raw = `tree ${root}\nauthor A <a@example.com> 1 +0000\ncommitter A <a@example.com> 1 +0000\n\nPolicy\n`
  const opened: string[] = []
  const ports = {
    policyRepository: (repository: string) => ({
      resolveRef: async () => COMMIT,
      openHistory: async () => {
        opened.push(repository)
        return { ...history, commit: async () => utf8(raw), close: async () => {} }
      },
    }),
  } as unknown as AttestPorts
  const source = { claim: { mode: 'audit', verdict: 'not-asked' }, ...judgement(own) } as unknown as SourceOutcome
  const request = requestOf({
    request: { source: { ref: 'refs/heads/main', purpose: 'sign', mode: 'auto', policy: OUTSIDE }, ...over },
  })
  const record = newRecord()
  const plan: MaterialsPlan = await planMaterials(request, ports, source, record)
  return { plan, record, opened }
}

const KEY = 'untrusted comment: minisign public key\nRWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\n'
const judgement = (text?: string) => (text === undefined ? {} : { judgement: { law: lawOf(text) } })

test('a policy from outside judges also where no anchor let the history be judged, and is named', async () => {
  const { plan, record } = await planned(RULES)
  expect(plan).toMatchObject({ kind: 'judge', mode: 'enforce' })
  expect(record.policy).toMatchObject({ ref: COMMIT, uri: expect.stringContaining('acme/policies') })
  expect(plan.kind === 'judge' && plan.law.name).toMatchObject({ uri: record.policy?.uri })
})

test('a policy from outside without rules for materials asks for nothing', async () => {
  expect((await planned('version: 1\n')).plan).toMatchObject({ kind: 'not-asked', mode: 'audit' })
})

test('the law that judged the commits is not read a second time', async () => {
  const { plan, opened } = await planned('version: 1\n', RULES)
  expect([plan.kind, opened]).toEqual(['judge', []])
})

test('a policy from outside that cannot be used ends the run: nobody is judged by less than was asked for', async () => {
  const error = await planned('version: 1\nbase-images: maybe\n').catch(asWaybillError)
  expect(error).toMatchObject({ code: 'policy/unusable', kind: 'configuration' })
})

test('13-adversary 20: rules that are insisted on and are not there are a rejection that says what to add', async () => {
  const over = { materials: { mode: 'enforce' } }
  const error = await planned('version: 1\n', undefined, over).catch(asWaybillError)
  expect(error).toMatchObject({ code: 'policy/no-rule', kind: 'rejected' })
  expect(error).toHaveProperty('remedy', expect.stringContaining('base-images:'))
})
