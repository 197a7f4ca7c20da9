import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { jest } from '@jest/globals'
import { sha256 } from '../../src/core/digest.ts'
import { parseEnvelope } from '../../src/statements/envelope.ts'
import { parseStatement } from '../../src/statements/parse.ts'
import { readReview } from '../../src/statements/review.ts'
import { BOB, type Change, ReviewWorld } from './review-support.ts'

jest.setTimeout(120_000)

let world: ReviewWorld
let change: Change
beforeAll(async () => {
  world = await ReviewWorld.start('signed-by-reviewer')
  change = world.change('greeting')
})
afterAll(() => world?.close())

const range = () => `origin/${change.target}..origin/${change.feature}`
const refOf = (principal: string, head = change.head) => `refs/waybill/reviews/${head}/${principal}`

/** The statement behind a ref of the repository, its envelope's bytes as they are there. */
function stored(ref: string, folder = world.repository.folder) {
  const bytes = execFileSync('git', ['-C', folder, 'cat-file', 'blob', ref])
  const { payload, armor } = parseEnvelope(bytes)
  return { bytes, armor, claims: readReview(parseStatement(payload)) }
}

describe('waybill review sign', () => {
  test('13-adversary 11: signs with an SSH key what is reviewed, in full names, and pushes it', async () => {
    const told = await world.approve(change)
    const { claims, bytes, armor } = stored(refOf('alice'))
    expect(told).toEqual({
      ref: refOf('alice'),
      principal: 'alice',
      key: expect.stringMatching(/^SHA256:/),
      head: change.head,
      mergeBase: world.base,
      targetRef: `refs/heads/${change.target}`,
      repositoryUri: world.uri,
      decision: 'approve',
      commits: 1,
      digest: sha256(bytes),
      pushed: true,
    })
    expect(claims).toMatchObject({
      repositoryUri: world.uri,
      targetRef: `refs/heads/${change.target}`,
      mergeBase: world.base,
      head: change.head,
      tree: world.repository.git('rev-parse', `${change.head}^{tree}`),
      decision: 'approve',
    })
    expect(armor).toMatch(/^-----BEGIN SSH SIGNATURE-----\n/)
  })

  test('docs/reviews.md: what it signs can be checked without Waybill', async () => {
    const { ref } = await world.approve(change)
    const page = readFileSync(join(import.meta.dirname, '../../docs/reviews.md'), 'utf8')
    const [, script = ''] = /```sh\n([\s\S]*?)```/.exec(page) ?? []
    const folder = world.repository.folder
    writeFileSync(join(folder, 'allowed_signers'), `alice@example.com ${world.publicKey('alice')}\n`)
    const env = { PATH: `${dirname(process.execPath)}:${process.env.PATH}`, REF: ref }
    const said = execFileSync('sh', ['-e', '-c', script], { cwd: folder, env, stdio: 'pipe' }).toString()
    expect(said).toMatch(/^Good "waybill-review" signature for alice@example.com with ED25519 key SHA256:/)
  })

  test('signs with an OpenPGP key of gpg, and says how to push when it did not', async () => {
    const { code, stdout } = await world.sign([range(), '--key', world.print])
    expect(code).toBe(0)
    expect(stdout).toContain(`alice (${world.print}) approves 1 commit, ${world.base.slice(0, 7)}..`)
    expect(stdout).toContain(`kept at ${refOf('alice')}\npush it with: git push 'origin' '+refs/waybill/reviews/`)
    expect(stored(refOf('alice'), world.desk).armor).toMatch(/^-----BEGIN PGP SIGNATURE-----\n/)
    const command = /push it with: (.*)$/m.exec(stdout)?.[1] ?? ''
    execFileSync('sh', ['-c', command], { cwd: world.desk, stdio: 'pipe' })
    expect(stored(refOf('alice')).bytes).toEqual(stored(refOf('alice'), world.desk).bytes)
  })

  test.each<[string, () => Readonly<Record<string, string>>, string]>([
    ['a file', () => ({ 'gpg.format': 'ssh', 'user.signingkey': `${world.key('dora')}.pub` }), 'dora'],
    ['a file below home', () => ({ 'gpg.format': 'ssh', 'user.signingkey': '~/dora' }), 'dora'],
    ['a fingerprint', () => ({ 'gpg.format': 'openpgp', 'user.signingkey': world.print }), 'alice'],
    ['a fingerprint and no format', () => ({ 'user.signingkey': world.print }), 'alice'],
  ])('takes the key from git’s configuration: %s', async (_what, config, principal) => {
    copyFileSync(world.key('dora'), join(world.gpg.home, 'dora'))
    for (const [name, value] of Object.entries(config())) world.git('config', name, value)
    const { code, stdout } = await world.sign([range(), '--json'], { NO_KEY: '1' })
    for (const name of Object.keys(config())) world.git('config', '--unset', name)
    expect([code, JSON.parse(stdout).data.principal]).toEqual([0, principal])
  })

  test('takes a public key in the place of a file, its other half in an agent', async () => {
    const socket = join(world.gpg.home, 'agent')
    const agent = execFileSync('ssh-agent', ['-s', '-a', socket]).toString()
    const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(agent)?.[1])
    try {
      const env = { SSH_AUTH_SOCK: socket }
      execFileSync('ssh-add', ['-q', world.key('dora')], { env: { PATH: process.env.PATH, ...env }, stdio: 'pipe' })
      world.git('config', 'gpg.format', 'ssh')
      world.git('config', 'user.signingkey', `key::${world.publicKey('dora')}`)
      const { code, stdout } = await world.sign([range(), '--json'], { NO_KEY: '1', ...env })
      expect([code, JSON.parse(stdout).data.principal]).toEqual([0, 'dora'])
    } finally {
      process.kill(pid)
      world.git('config', '--unset', 'gpg.format')
      world.git('config', '--unset', 'user.signingkey')
    }
  })

  test('withdraws: the statement of the same head says the opposite', async () => {
    const told = await world.approve(change, '--withdraw')
    expect(told.decision).toBe('withdraw')
    expect(stored(refOf('alice')).claims.decision).toBe('withdraw')
    const { stdout } = await world.sign([range(), '--withdraw'])
    expect(stdout).toContain('takes back the approval of 1 commit')
  })

  test('takes a pull request by its number, head and base as the remote has them now', async () => {
    const { target, head } = world.change('pulled')
    world.repository.git('update-ref', 'refs/pull/7/head', head)
    world.git('update-ref', `refs/remotes/origin/${target}`, world.scenario.anchor)
    const { code, stdout } = await world.sign(['7', '--target', target, '--json'])
    const { data } = JSON.parse(stdout)
    expect([code, data.head, data.mergeBase, data.targetRef, data.pushed]).toEqual([
      0,
      head,
      world.base,
      `refs/heads/${target}`,
      false,
    ])
    expect(data.comment).toBeUndefined()
  })

  test('without a token prints the comment to paste, for a pull request that was pushed', async () => {
    const { target, head } = world.change('pasted')
    world.repository.git('update-ref', 'refs/pull/8/head', head)
    const { code, stdout } = await world.sign(['8', '--target', target, '--push'])
    const digest = sha256(stored(refOf('alice', head)).bytes)
    expect(code).toBe(0)
    expect(stdout).toContain('no comment was posted: there is no GITHUB_TOKEN or GH_TOKEN\n')
    expect(stdout).toContain(`\n<!-- waybill-review: ${refOf('alice', head)} ${digest} -->\n`)
  })

  test('works from a folder inside the clone, with a key beside it', async () => {
    world.git('checkout', '--quiet', '--detach', world.base)
    writeFileSync(join(world.desk, 'note'), '')
    const { code } = await world.sign([range(), '--repo', '.github', '--key', '../key-alice'])
    expect(code).toBe(0)
  })

  test('the law of the reviewed branch has no say: who may sign stands in the one it goes into', async () => {
    const policy = world.repository.git('show', `${world.base}:.github/waybill.yml`)
    const files = { '.github/waybill.yml': policy.replaceAll(world.publicKey('dora'), world.publicKey('nobody')) }
    const other = world.change('takeover', { files })
    const { code, log } = await world.sign([
      `origin/${other.target}..origin/${other.feature}`,
      '--key',
      world.key('nobody'),
    ])
    expect([code, log.includes('source/review-invalid')]).toEqual([3, true])
  })

  test('a policy from outside says whose key it is', async () => {
    const file = join(world.scenario.stack.folder, 'outside.yml')
    const key = world.publicKey('nobody')
    writeFileSync(
      file,
      `version: 1\nprincipals:\n  erin: { emails: [erin@example.com], signers: [{ ssh: { key: "${key}" } }] }\n`,
    )
    const { code, log, stdout } = await world.sign([range(), '--policy', file, '--key', world.key('nobody'), '--json'])
    expect([log, code]).toEqual([expect.anything(), 0])
    expect(JSON.parse(stdout).data.principal).toBe('erin')
  })
})

describe('waybill review sign refuses, exit code 3, and writes nothing:', () => {
  const words =
    (...args: string[]) =>
    () =>
      args
  test.each([
    ['a key that belongs to nobody', () => [range(), '--key', world.key('nobody')], 'source/review-invalid'],
    ['a key file that is not there', () => [range(), '--key', './no-such-key'], 'source/review-unsigned'],
    ['a file that is no key', () => [range(), '--key', `${world.desk}/.git/HEAD`], 'source/review-unsigned'],
    ['a fingerprint that gpg does not have', () => [range(), '--key', 'F'.repeat(40)], 'source/review-unsigned'],
    ['nothing to review', () => [`origin/${change.target}..origin/${change.target}`], 'source/clone-failed'],
    ['a head that is behind', () => [`origin/${change.feature}..${world.base}`], 'source/clone-failed'],
    ['a branch that is not there', words('nowhere..HEAD', '--target', 'main'), 'source/clone-failed'],
    [
      'a remote that is not there',
      () => [range(), '--target', 'main', '--push', '--remote', 'upstream'],
      'source/clone-failed',
    ],
    ['a remote that is an option', () => [range(), '--push', '--remote=--upload-pack=x'], 'entry/usage'],
    ['a target that is no branch', () => [`${world.base}..HEAD`], 'entry/usage'],
    ['a target that no ref may have', () => [range(), '--target', 'a..b'], 'entry/usage'],
    ['a range with three dots', words('main...feature'), 'entry/usage'],
    ['a range without a target', words('..feature'), 'entry/usage'],
    ['no range', words(), 'entry/usage'],
    ['a word too many', () => [range(), 'more'], 'entry/usage'],
    ['a pull request without its branch', words('7'), 'entry/usage'],
    ['a pull request that is not there', words('99', '--target', 'main'), 'source/clone-failed'],
    ['a number that is none', () => [range(), '--repository-id', '0'], 'entry/usage'],
    ['a folder that is no clone', () => [range(), '--repo', world.gpg.home], 'source/clone-failed'],
    ['a policy file that is not there', () => [range(), '--policy', 'no.yml'], 'core/file-unreadable'],
  ])('%s', async (_what, args, code) => {
    const before = world.git('for-each-ref', 'refs/waybill')
    const ended = await world.sign(args())
    expect([ended.log.includes(`${code}:`), ended.code, ended.stdout]).toEqual([true, 3, ''])
    expect(world.git('for-each-ref', 'refs/waybill')).toBe(before)
  })

  test('no key at all', async () => {
    const ended = await world.sign([range()], { NO_KEY: '1' })
    expect([ended.code, ended.log.includes('source/review-unsigned:')]).toEqual([3, true])
  })

  test('a format of git that reviews have not', async () => {
    world.git('config', 'gpg.format', 'x509')
    world.git('config', 'user.signingkey', 'alice')
    const ended = await world.sign([range()], { NO_KEY: '1' })
    world.git('config', '--unset', 'gpg.format')
    world.git('config', '--unset', 'user.signingkey')
    expect([ended.code, ended.log.includes('source/review-unsigned:')]).toEqual([3, true])
  })

  test('histories without a common ancestor', async () => {
    const tree = world.repository.git('rev-parse', `${world.base}^{tree}`)
    const alone = world.repository.object({ message: 'Alone', signer: world.scenario.bob, ...BOB }, tree, [])
    world.repository.git('update-ref', 'refs/heads/alone', alone)
    const ended = await world.sign([`origin/${change.target}..origin/alone`])
    expect([ended.code, /no\s+common\s+ancestor/.test(ended.log)]).toEqual([3, true])
  })

  test('with --json the error is the result', async () => {
    const ended = await world.sign([range(), '--json', '--key', world.key('nobody')])
    expect([ended.code, JSON.parse(ended.stdout).error.code]).toEqual([3, 'source/review-invalid'])
  })
})
