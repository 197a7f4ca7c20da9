import { utf8 } from '../../src/core/bytes.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import type { SourceRule } from '../../src/policy/policy.ts'
import { filled, POLICY } from './world.ts'

const parse = (text: string) => parsePolicy(utf8(filled(text)), '.github/waybill.yml')

/** alice and bob maintain, carol develops; renovate has an account and no key. */
const BASE = POLICY.replace(
  'roles: {',
  '  renovate: {github: {login: "renovate[bot]", id: 29139614}}\nroles: {bots: [renovate], ',
)

function ruleOf(more: string): SourceRule {
  const [rule] = parse(
    BASE.replace('commits: {signers: ["@developers"]}', `commits: {signers: ["@developers", "@bots"]}\n${more}`),
  ).source
  if (rule === undefined) throw new Error('The policy has no rule')
  return rule
}

describe('a source rule', () => {
  test('denies everything the platform signs and asks for no review unless it says so', () => {
    const rule = ruleOf('')
    expect(rule.platform).toEqual({ merge: 'deny', squash: 'deny', rebase: 'deny', content: new Set() })
    expect(rule.review).toBeUndefined()
  })

  test('may name principals without any key, as long as somebody has one', () => {
    expect([...ruleOf('').signers]).toEqual(['alice', 'bob', 'carol', 'renovate'])
  })

  test('has four switches for the platform', () => {
    const { platform } = ruleOf('    platform: {merge: clean, squash: evidence, rebase: evidence, content: ["@bots"]}')
    expect(platform).toEqual({ merge: 'clean', squash: 'evidence', rebase: 'evidence', content: new Set(['renovate']) })
  })

  test('lets every switch say deny', () => {
    const { platform } = ruleOf('    platform: {merge: deny, squash: deny, rebase: deny, content: deny}')
    expect(platform).toEqual({ merge: 'deny', squash: 'deny', rebase: 'deny', content: new Set() })
  })

  test('13-adversary 10: keeps author, committers and last pusher from approving unless it says otherwise', () => {
    expect(ruleOf('    review: {approvals: 2, by: ["@maintainers"]}').review).toEqual({
      approvals: 2,
      by: new Set(['alice', 'bob']),
      distinctFrom: new Set(['author', 'committers', 'last-pusher']),
      strength: 'platform-recorded',
    })
    const rule = ruleOf('    review: {approvals: 1, by: bob, distinct-from: [author], strength: signed-by-reviewer}')
    expect(rule.review).toEqual({
      approvals: 1,
      by: new Set(['bob']),
      distinctFrom: new Set(['author']),
      strength: 'signed-by-reviewer',
    })
  })
})

test('13-adversary 6: a tag rule names signers and the branches on which the tagged commit must lie', () => {
  const tag =
    '  - refs: ["refs/tags/v*", refs/tags/nightly]\n    tag: {signers: "@maintainers", on: [refs/heads/main], min-rsa: 3072}\n'
  const { tags, source } = parse(BASE.replace('policy-change', `${tag}policy-change`))
  expect(source).toHaveLength(1)
  expect(tags).toEqual([
    expect.objectContaining({
      signers: new Set(['alice', 'bob']),
      on: ['refs/heads/main'],
      minRsa: 3072,
      text: 'refs/tags/v*, refs/tags/nightly',
    }),
  ])
})

describe('policy-change', () => {
  const changeOf = (text: string) => parse(BASE.replace(/policy-change:.*\n/, text)).policyChange
  const maintainers = new Set(['alice', 'bob'])

  test('13-adversary 3: left out, maintainers sign and nobody needs to approve', () => {
    const rule = { signers: maintainers, approvals: 0 }
    expect(changeOf('')).toEqual({ ...rule, workflows: rule })
  })

  test('13-adversary 3: what the part for workflows leaves out is as for the policy', () => {
    const rule = { signers: maintainers, approvals: 1 }
    expect(changeOf('policy-change: {approvals: 1}\n')).toEqual({ ...rule, workflows: rule })
    const developers = new Set(['alice', 'bob', 'carol'])
    expect(changeOf('policy-change: {approvals: 1, workflows: {signers: "@developers"}}\n').workflows).toEqual({
      signers: developers,
      approvals: 1,
    })
    expect(
      changeOf('policy-change: {approvals: 1, workflows: {signers: "@developers", approvals: 0}}\n').workflows,
    ).toEqual({ signers: developers, approvals: 0 })
  })
})

test('source-workflows and platform-keys are read as they stand', () => {
  const policy = parse(
    `${BASE}source-workflows: [.github/workflows/ci.yml]\nplatform-keys: [{openpgp: {fingerprint: "${'cd '.repeat(20).trim()}", file: keys/ghes.asc}}]\n`,
  )
  expect(policy.sourceWorkflows).toEqual(['.github/workflows/ci.yml'])
  expect(policy.platformKeys).toEqual([{ fingerprint: 'CD'.repeat(20), file: '.github/keys/ghes.asc' }])
  expect(policy.files).toEqual([expect.objectContaining({ path: '.github/keys/ghes.asc', use: 'openpgp' })])
})
