import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import type { ClaimOverrides } from '../fakes/claims.ts'
import { writeLayout } from '../fakes/layout.ts'
import { startStack } from '../fakes/stack.ts'
import { type GateBench, openGateBench, REPOSITORY_ID, ruleOf, WORKFLOW } from './gate-support.ts'

jest.setTimeout(60_000)

let bench: GateBench
/** Flags that name a GitHub workflow run, all of them. */
let byRepository: readonly string[]

beforeAll(async () => {
  bench = await openGateBench()
  const { stack } = bench.scenario
  byRepository = [
    ...['--repository', 'acme/app', '--repository-id', REPOSITORY_ID, '--signer', WORKFLOW],
    ...['--source-ref', 'refs/heads/main', '--certificate-oidc-issuer', stack.oidc.issuer],
    ...['--trusted-root', stack.trustedRootFile],
  ]
})

afterAll(() => bench.close())

/** The flags with another value behind one of them. */
function instead(flags: readonly string[], name: string, value: string): readonly string[] {
  return flags.map((word, at) => (flags[at - 1] === name ? value : word))
}

const at = (digest: string) => `${bench.scenario.image}@${digest}`

describe('the exact identity', () => {
  test('accepts the index, its tag and each of its platforms', async () => {
    const references = [bench.reference, `${bench.scenario.image}:v1`, ...bench.children.map(at)]
    const { code, receipt } = await bench.verify(references)
    expect([code, receipt.verdict]).toEqual([0, 'passed'])
    expect(receipt.subjects.map(({ verdict, basis }) => `${verdict} ${basis}`)).toEqual(Array(4).fill('passed signed'))
    expect(receipt.subjects[1]?.digest).toBe(bench.published.outputs.digest)
  })

  test.each([
    ['a suffix', (identity: string) => `${identity}-2`],
    ['a prefix of it', (identity: string) => identity.slice(0, -1)],
    ['another case', (identity: string) => identity.replace('acme/app', 'Acme/App')],
    ['another repository of a similar name', (identity: string) => identity.replace('acme/app/', 'acme/app-2/')],
    ['a tag instead of a branch', (identity: string) => identity.replace('refs/heads/', 'refs/tags/')],
  ])('13-adversary 28: refuses %s', async (_name, change) => {
    const { git } = bench.scenario.stack
    const identity = change(`${git.url}/${WORKFLOW}`)
    const { code, codes, subject } = await bench.verify(
      bench.reference,
      instead(bench.scenario.expected, '--certificate-identity', identity),
    )
    expect([code, codes]).toEqual([1, ['verify/identity-mismatch']])
    expect(subject?.findings[0]).toMatchObject({ expected: identity, found: `${git.url}/${WORKFLOW}` })
  })

  test('refuses the same name at another issuer', async () => {
    const flags = instead(
      bench.scenario.expected,
      '--certificate-oidc-issuer',
      'https://token.actions.githubusercontent.com',
    )
    const { code, codes } = await bench.verify(bench.reference, flags)
    expect([code, codes]).toEqual([1, ['verify/issuer-mismatch']])
  })

  test('13-adversary 15: refuses as provenance what was pushed and not built, also by the right identity', async () => {
    const { code, codes } = await bench.verify(bench.reference, [
      ...bench.scenario.expected,
      ...['--require', 'signature,provenance'],
    ])
    expect([code, codes.includes('verify/builder-not-allowed')]).toEqual([1, true])
  })
})

describe('a workflow run of a repository', () => {
  test('is accepted by repository, id, signer and ref, with its provenance', async () => {
    const digest = await bench.image('by-repository')
    await bench.github.attach(digest, await bench.github.signature(digest), await bench.github.provenance(digest))
    const { code, subject } = await bench.verify(at(digest), [...byRepository, '--require', 'signature,provenance'])
    expect([code, subject?.verdict]).toEqual([0, 'passed'])
  })

  const FORGED: readonly (readonly [string, ClaimOverrides, string])[] = [
    ['created again under its old name', { repository_id: '666' }, 'verify/repository-recreated'],
    ['with another name', { repository: 'acme/app2' }, 'verify/repository-mismatch'],
    ['with the name in another case', { repository: 'Acme/app' }, 'verify/repository-mismatch'],
    ['by another workflow', { workflow_ref: WORKFLOW.replace('release', 'other') }, 'verify/workflow-mismatch'],
    ['by its workflow as a tag has it', { ref: 'refs/tags/v9.9.9' }, 'verify/workflow-mismatch'],
    [
      'for another ref than its workflow',
      { ref: 'refs/heads/feature', workflow_ref: WORKFLOW },
      'verify/source-ref-mismatch',
    ],
    [
      'called by somebody else’s workflow',
      { workflow_ref: 'acme/app/.github/workflows/other.yml@refs/heads/main', job_workflow_ref: WORKFLOW },
      'verify/caller-mismatch',
    ],
    [
      'for a pull request',
      { ref: 'refs/pull/7/merge', workflow_ref: WORKFLOW, event_name: 'pull_request' },
      'verify/source-ref-mismatch',
    ],
  ]

  test.each(FORGED)('13-adversary 28: is refused %s', async (name, claims, expected) => {
    const digest = await bench.image(name)
    await bench.github.attach(digest, await bench.github.signature(digest, claims))
    const { code, codes } = await bench.verify(at(digest), byRepository)
    expect(code).toBe(1)
    expect(codes).toContain(expected)
  })

  test('is refused when its provenance says something else than its certificate', async () => {
    const digest = await bench.image('claims')
    const { github } = bench
    const claims = { repository_id: '1' }
    const lying = await github.provenance(digest, {}, { commit: { id: 'b'.repeat(40) as never } })
    await github.attach(digest, await github.signature(digest), lying, await github.provenance(digest, claims))
    const { code, codes } = await bench.verify(at(digest), [...byRepository, '--require', 'signature,provenance'])
    expect([code, [...codes].sort()]).toEqual([1, ['verify/commit-not-of-run', 'verify/repository-recreated']])
  })
})

describe('what is attached', () => {
  test('an image that nobody signed is refused', async () => {
    const { code, codes, subject } = await bench.verify(at(await bench.image('unsigned')))
    expect([code, codes]).toEqual([1, ['verify/no-attestation']])
    expect(subject?.findings[0]?.found).toBe('nothing')
  })

  test('a digest that does not exist is unknown: nothing was judged', async () => {
    const { code, codes, subject } = await bench.verify(at(`sha256:${'0'.repeat(64)}`))
    expect([code, codes, subject?.verdict]).toEqual([2, ['registry/not-found'], 'unknown'])
  })

  test('a tag that was moved after signing is refused, the digest it had is not', async () => {
    const { scenario, here } = bench
    const digest = await bench.image('before')
    await here.attach(digest, await here.signature(digest))
    const store = scenario.stack.registry.storage.open('acme/app')
    store.tags.set('moved', digest)
    expect((await bench.verify(`${scenario.image}:moved`)).code).toBe(0)
    store.tags.set('moved', await bench.image('after'))
    const { receipt, code } = await bench.verify([`${scenario.image}:moved`, at(digest)])
    expect([code, receipt.subjects.map(({ verdict }) => verdict)]).toEqual([1, ['rejected', 'passed']])
  })

  test('one changed byte of a bundle makes it nothing', async () => {
    const digest = await bench.image('tampered')
    const bundle = JSON.parse(Buffer.from(await bench.here.signature(digest)).toString())
    const payload = Buffer.from(bundle.dsseEnvelope.payload, 'base64')
    payload[payload.length - 2] = payload[payload.length - 2] === 0x20 ? 0x09 : 0x20
    bundle.dsseEnvelope.payload = payload.toString('base64')
    await bench.here.attach(digest, Buffer.from(JSON.stringify(bundle)))
    const { code, codes, notes } = await bench.verify(at(digest))
    expect([code, codes]).toEqual([1, ['verify/no-attestation']])
    expect(notes[0]).toContain('1 attached bundle could not be verified')
    expect(notes[1]).toMatch(/^sigstore\//)
  })

  test('a bundle of another image says nothing about this one', async () => {
    const other = await bench.image('signed')
    const digest = await bench.image('borrows')
    await bench.here.attach(digest, await bench.here.signature(other))
    const { code, codes, subject } = await bench.verify(at(digest))
    expect([code, codes]).toEqual([1, ['verify/no-attestation']])
    expect(subject?.findings[0]?.found).toContain('1 verified about other digests')
  })

  test('13-adversary 27: provenance by another identity is none, the signature still counts', async () => {
    const digest = await bench.image('two-signers')
    const { here } = bench
    const mallory = { repository: 'mallory/app', repository_id: '666' }
    await here.attach(digest, await here.signature(digest), await here.provenance(digest, mallory))
    const both = await bench.verify(at(digest), [...bench.scenario.expected, '--require', 'signature,provenance'])
    expect([both.code, both.codes]).toEqual([1, ['verify/identity-mismatch']])
    expect(both.subject?.findings[0]?.found).toContain('mallory/app')
    expect((await bench.verify(at(digest))).code).toBe(0)
  })

  test('13-adversary 26: a hundred planted bundles hide nothing and are counted', async () => {
    const digest = await bench.image('flooded')
    const garbage = Array.from({ length: 100 }, (_, n) => Buffer.from(JSON.stringify({ garbage: n })))
    await bench.here.attach(digest, ...garbage, await bench.here.signature(digest))
    const { code, notes, subject } = await bench.verify(at(digest))
    expect([code, subject?.verdict]).toEqual([0, 'passed'])
    expect(notes.some(note => note.includes('100 attached bundles could not be verified'))).toBe(true)
  })

  test('13-adversary 29: what another trust root vouches for is nothing here', async () => {
    await using other = await startStack()
    const flags = instead(bench.scenario.expected, '--trusted-root', other.trustedRootFile)
    const { code, codes, notes } = await bench.verify(bench.reference, flags)
    expect([code, codes]).toEqual([1, ['verify/no-attestation']])
    expect(notes.some(note => note.startsWith('sigstore/'))).toBe(true)
  })

  test('13-adversary 21: one signed platform does not vouch for its index, all of them do', async () => {
    const { scenario, here } = bench
    const layout = writeLayout(join(scenario.stack.folder, 'one-of-two'), {
      content: 'one of two',
      platforms: ['linux/amd64', 'linux/arm64'],
    })
    const digest = await here.push(layout.folder)
    const [first = '', second = ''] = layout.children
    await here.attach(first, await here.signature(first))
    const { receipt, code } = await bench.verify([at(digest), at(first), at(second)])
    expect([code, receipt.subjects.map(({ verdict }) => verdict)]).toEqual([1, ['rejected', 'passed', 'rejected']])
    expect(receipt.subjects[0]?.findings[0]).toMatchObject({ code: 'verify/platform-unproven', found: second })
    await here.attach(second, await here.signature(second))
    expect((await bench.verify(at(digest))).code).toBe(0)
  })
})

describe('what cannot be checked', () => {
  afterEach(() => bench.scenario.stack.registry.faults.clear())

  test('a registry that is down is unknown, never rejected', async () => {
    const { code, subject, codes } = await bench.verify('127.0.0.1:1/acme/app:v1')
    expect([code, subject?.verdict, codes[0]?.split('/')[0]]).toEqual([2, 'unknown', 'registry'])
  })

  test('a list of referrers that is not served is unknown, never "unsigned"', async () => {
    const fault = { status: 500 }
    bench.scenario.stack.registry.faults.add({ path: /\/referrers\//, times: Infinity, fault })
    const { code, subject, codes } = await bench.verify(bench.reference)
    expect([code, subject?.verdict]).toEqual([2, 'unknown'])
    expect(codes).not.toContain('verify/no-attestation')
  })

  test('other bytes under the digest are rejected', async () => {
    const { registry } = bench.scenario.stack
    const digest = bench.published.outputs.digest ?? ''
    const bytes = registry.storage.open('acme/app').find(digest)?.bytes ?? Buffer.alloc(0)
    registry.faults.lie(digest, Buffer.concat([bytes, Buffer.from(' ')]))
    const { code, codes } = await bench.verify(bench.reference)
    expect([code, codes]).toEqual([1, ['registry/digest-mismatch']])
  })

  test('one bad image among good ones decides, and all are shown', async () => {
    const { receipt, code } = await bench.verify([bench.reference, at(await bench.image('bad')), '127.0.0.1:1/a/b:c'])
    expect([code, receipt.verdict]).toEqual([1, 'rejected'])
    expect(receipt.subjects.map(({ verdict }) => verdict)).toEqual(['passed', 'rejected', 'unknown'])
  })
})

describe('a policy file', () => {
  async function judgedBy(deploy: string | undefined, references: string | readonly string[]) {
    const folder = join(bench.scenario.stack.folder, 'policy')
    mkdirSync(join(folder, 'trust'), { recursive: true })
    writeFileSync(join(folder, 'trust/root.json'), JSON.stringify(bench.scenario.stack.trustedRoot))
    writeFileSync(join(folder, 'waybill.yml'), bench.policy(deploy))
    return bench.verify(references, ['--policy', join(folder, 'waybill.yml')])
  }

  test('accepts by its deploy rule, and the result names it by digest', async () => {
    const { code, receipt } = await judgedBy(undefined, bench.reference)
    expect([code, receipt.verdict]).toEqual([0, 'passed'])
    expect(receipt.policy).toMatchObject({ digest: expect.stringMatching(/^sha256:/) })
  })

  test.each([
    ['that denies', 'deploy: [{ match: ["127.0.0.1:*/acme/app"], deny: true }]', 'policy/denied'],
    ['without a rule for the image', 'deploy: [{ match: ["ghcr.io/**"], deny: true }]', 'policy/no-rule'],
    ['without any rule', '', 'policy/no-rule'],
  ])('%s refuses every image', async (_name, deploy, expected) => {
    const { code, codes } = await judgedBy(deploy, bench.reference)
    expect([code, codes]).toEqual([1, [expected]])
  })

  test('decides by its first rule that matches', async () => {
    const deny = 'deploy:\n  - match: ["127.0.0.1:*/acme/app"]\n    deny: true\n'
    const allow = `  - match: ["127.0.0.1:*/**"]\n${ruleOf(bench.scenario)}`
    expect((await judgedBy(`${deny}${allow}`, bench.reference)).codes).toEqual(['policy/denied'])
  })

  test('that does not parse is exit 3: nothing was judged', async () => {
    const { code, codes, receipt } = await judgedBy('deplyo: []', bench.reference)
    expect([code, codes, receipt.subjects]).toEqual([3, ['policy/unsupported'], []])
  })
})

describe('nothing is expected by default', () => {
  test.each([
    ['no flags', [], 'policy/no-expectation'],
    ['an identity without issuer', ['--certificate-identity', 'x'], 'policy/expectation-unclear'],
    ['a repository without its id', ['--repository', 'acme/app'], 'policy/expectation-unclear'],
    [
      'the identity of a pull request',
      ['--certificate-identity', 'https://github.com/a/b/.github/workflows/c.yml@refs/pull/1/merge'].concat(
        '--certificate-oidc-issuer',
        'https://token.actions.githubusercontent.com',
      ),
      'policy/expectation-unclear',
    ],
  ])('13-adversary 28: %s is exit 3, before any registry is asked', async (_name, flags, expected) => {
    const before = bench.scenario.stack.registry.log.length
    const { code, codes } = await bench.verify(bench.reference, flags)
    expect([code, codes]).toEqual([3, [expected]])
    expect(bench.scenario.stack.registry.log.length).toBe(before)
  })
})
