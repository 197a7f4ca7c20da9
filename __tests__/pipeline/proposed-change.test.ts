import { utf8 } from '../../src/core/bytes.ts'
import { parseCommitId } from '../../src/core/digest.ts'
import { proposedChange } from '../../src/pipeline/proposed-change.ts'
import { lawFromFile, POLICY_PATH, parseLaw } from '../../src/policy/law.ts'
import { filled, lawFiles } from '../policy/world.ts'

const CI = '.github/workflows/ci.yml'
const POLICY = filled(`version: 1
principals:
  alice: {emails: [alice@example.com], signers: [{ssh: {key: "{{alice}}"}}]}
  bob: {emails: [bob@example.com], signers: [{ssh: {key: "{{bob}}"}}]}
roles: {maintainers: [alice], developers: [alice, bob]}
source: [{refs: [refs/heads/main], commits: {signers: ["@developers"]}}]
policy-change: {signers: ["@maintainers"]}
`)
const WORKFLOW = 'with:\n  source-mode: enforce\n'
const base = lawFiles({ [POLICY_PATH]: POLICY, [CI]: WORKFLOW })
const accepted = parseLaw(base)
const head = parseCommitId('b'.repeat(40))
const propose = (files: Record<string, string>, law = accepted) =>
  proposedChange(law, { head, files: lawFiles(files), base })
const words = (change: ReturnType<typeof propose>) =>
  change?.lines.map(({ how, what, text, loosens }) => `${how} ${what} ${text}${loosens ? ' !' : ''}`)

test('proposedChange() of a pull request that leaves the law alone is undefined', () => {
  expect(propose({ [POLICY_PATH]: POLICY, [CI]: WORKFLOW, '.github/ISSUE.md': 'x' })).toBeUndefined()
})

test('13-adversary 3: proposedChange() tells policy and workflow of a pull request together', () => {
  const more = POLICY.replace('maintainers: [alice]', 'maintainers: [alice, bob]')
  const change = propose({ [POLICY_PATH]: more, [CI]: 'with:\n  source-mode: off\n' })
  expect(change).toMatchObject({ commit: head, kind: 'policy', accepted: false, paths: [POLICY_PATH, CI] })
  expect(words(change)).toEqual(
    expect.arrayContaining([
      'added role @maintainers: alice, bob !',
      `removed workflow ${CI}: source-mode: enforce !`,
      `added workflow ${CI}: source-mode: off !`,
    ]),
  )
})

test('13-adversary 3: proposedChange() tells of a policy that does not parse its path, and the workflows all the same', () => {
  const change = propose({ [POLICY_PATH]: 'version: [', [CI]: 'with: {source-mode: off}\n' })
  expect(change).toMatchObject({ kind: 'policy', paths: [POLICY_PATH, CI] })
  expect(words(change)).toEqual([
    `removed workflow ${CI}: source-mode: enforce !`,
    `added workflow ${CI}: with: {source-mode: off} !`,
  ])
})

test('13-adversary 3: under a law from outside a workflow that stops judging is told, and nothing else', () => {
  const outside = lawFromFile(utf8(POLICY), 'policy.yml', () => undefined)
  const change = propose({ [POLICY_PATH]: 'other', [CI]: 'with:\n  source-mode: off\n' }, outside)
  expect(change).toMatchObject({ kind: 'workflows', paths: [CI] })
  expect(words(change)).toHaveLength(2)
  expect(propose({ [POLICY_PATH]: 'other', [CI]: WORKFLOW }, outside)).toBeUndefined()
})
