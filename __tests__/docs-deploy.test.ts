import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { utf8 } from '../src/core/bytes.ts'
import { DEPLOY_INPUTS } from '../src/github/input-table.ts'
import { parsePolicy } from '../src/policy/parse.ts'
import { EXPECTED_ANNOTATION } from '../src/subjects/annotations.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../docs/deploy.md'), 'utf8')
const [WORKFLOW = '', POLICY = ''] = [...PAGE.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)

test('the workflow of docs/deploy.md sets only inputs that exist, and the environment of its job', () => {
  const { deploy } = parse(WORKFLOW).jobs
  const step = deploy.steps.find((item: { uses?: string }) => item.uses?.includes('/deploy@'))
  const served = DEPLOY_INPUTS.filter(row => row.served).map(({ name }) => name)
  expect(served).toEqual(expect.arrayContaining(Object.keys(step.with)))
  expect(step.with.environment).toBe(deploy.environment)
  expect(deploy.permissions).toMatchObject({ 'id-token': 'write', packages: 'write', contents: 'read' })
})

test('the policy of docs/deploy.md is one that Waybill reads, with a deployer for the environment of the workflow', () => {
  const [rule] = parsePolicy(utf8(POLICY), '.github/waybill.yml').deploy
  expect(rule).toMatchObject({ kind: 'allow', deployer: { environment: 'production' }, admit: ['deploy-verified'] })
})

test('docs/deploy.md names the annotation', () => expect(PAGE).toContain(EXPECTED_ANNOTATION))
