import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { ALICE, BOB, clonePolicy, makeClone } from '../fakes/clone.ts'
import { type Github, startGithub } from '../fakes/github.ts'
import { addGithubApi } from '../fakes/github-api.ts'
import { gitsign } from '../fakes/gitsign.ts'
import { makeMixedHistory } from '../fakes/mixed-history.ts'
import { TestRepository, withSignature } from '../fakes/repository.ts'
import { type Stack, startStack } from '../fakes/stack.ts'
import { Desk, titled } from './check-support.ts'

jest.setTimeout(120_000)

const POLICY = '.github/waybill.yml'
const desk = new Desk()
const clone = join(desk.folder, 'clone')
const repository = makeClone(clone)

afterEach(() => expect(desk.leftovers()).toEqual([]))
afterAll(() => desk.close())

const alice = { name: 'Alice', email: 'alice@example.com', signer: ALICE }
const bob = { name: 'Bob', email: 'bob@example.com', signer: BOB }

let made = 0

/** A clone with one commit under a policy, and what a test adds. */
function freshClone(policy = clonePolicy(), origin = 'https://github.com/acme/app.git'): TestRepository {
  const fresh = new TestRepository(join(desk.folder, `fresh-${made++}`))
  fresh.commit({ message: 'Begin', files: { [POLICY]: policy }, ...alice })
  fresh.git('tag', 'start')
  fresh.git('remote', 'add', 'origin', origin)
  return fresh
}

describe('what is judged, and by which law', () => {
  test('a history from an anchor on, with the changes of law that were accepted on the way', async () => {
    const { code, receipt } = await desk.check(clone, ['main', '--since', 'start'])
    expect([code, receipt.verdict, receipt.subjects.length]).toEqual([0, 'passed', 5])
    expect(titled(receipt, 'Draw a logo')).toMatchObject({ principal: 'carol', basis: 'signed', kind: 'ssh' })
    const change = receipt.ruleChanges?.map(({ commit, by, accepted, title }) => ({ commit, by, accepted, title }))
    const law = repository.git('rev-parse', 'main~2')
    expect(change).toEqual([{ commit: law, by: 'alice', accepted: true, title: 'Let Carol commit' }])
    expect(receipt.source).toEqual({
      repository: 'https://github.com/acme/app',
      ref: 'refs/heads/main',
      commit: repository.git('rev-parse', 'main'),
      levels: ['ORG_SOURCE_COMMITS_SIGNED'],
    })
    expect(receipt.policy).toMatchObject({
      uri: 'git+https://github.com/acme/app#.github/waybill.yml',
      anchor: repository.git('rev-parse', 'start'),
    })
  })

  test('a range whose base lies on the line is folded from there', async () => {
    const { code, receipt } = await desk.check(clone, ['start..main'])
    expect([code, receipt.subjects.length]).toEqual([0, 5])
    expect(receipt.notices).toContainEqual(expect.stringContaining('the base of the range, is taken as the anchor'))
  })

  test('any other range is judged as a pull request is, by the law of its base', async () => {
    const { code, codes, receipt } = await desk.check(clone, ['main..feature'])
    expect([code, codes, receipt.subjects.length]).toEqual([1, ['source/unsigned'], 2])
    expect(receipt.source?.ref).toBe('refs/heads/main')
  })

  test('a range with an anchor is judged by the law accepted at its base, and a change of law is told', async () => {
    const fresh = freshClone()
    fresh.git('checkout', '--quiet', '-b', 'feature')
    fresh.commit({ message: 'Let me in', files: { [POLICY]: clonePolicy('"@maintainers", bob, carol') }, ...bob })
    const { code, receipt } = await desk.check(fresh.folder, ['main..feature', '--since', 'start'])
    expect([code, receipt.subjects.length]).toEqual([0, 1])
    expect(receipt.ruleChanges).toEqual([expect.objectContaining({ proposed: true, kind: 'policy' })])
  })

  test('a policy given by name judges everything, and no commit changes it', async () => {
    writeFileSync(join(desk.folder, 'mine.yml'), clonePolicy())
    const { codes, receipt } = await desk.check(clone, ['start..main', '--policy', 'mine.yml'])
    expect(codes).toEqual(['source/signer-not-allowed'])
    expect(titled(receipt, 'Draw a logo').verdict).toBe('rejected')
    expect(receipt.policy?.uri).toBe('file:mine.yml')
    const since = await desk.check(clone, ['main', '--since', 'start', '--policy', 'mine.yml'])
    expect(since.codes).toEqual(['source/signer-not-allowed'])
  })

  test('13-adversary 3: a change of law by somebody who may not make it stays refused', async () => {
    const fresh = freshClone()
    fresh.commit({ message: 'Promote me', files: { [POLICY]: clonePolicy('"@maintainers", bob, carol') }, ...bob })
    fresh.commit({ message: 'Go on', files: { a: 'a' }, ...bob })
    const { code, codes } = await desk.check(fresh.folder, ['--since', 'start'])
    expect([code, codes]).toEqual([1, ['policy/unapproved-change', 'policy/unapproved-change']])
  })

  test('13-adversary 38: an empty range is not a passed one', async () => {
    const { code, codes, receipt } = await desk.check(clone, ['main..start'])
    expect([code, codes, receipt.verdict]).toEqual([2, ['source/nothing-judged'], 'unknown'])
  })

  test.each([
    ['--ref', ['main', '--since', 'start', '--ref', 'refs/heads/other'], 'refs/heads/other'],
    ['the branch left of the dots', ['origin/main..feature'], 'refs/heads/main'],
    ['the branch at the end', ['main', '--since', 'start'], 'refs/heads/main'],
    ['the branch that is checked out', ['HEAD~1..HEAD'], 'refs/heads/feature'],
    ['the default branch of the remote', [], 'refs/heads/main'],
  ])('the rules that hold are those of %s', async (_, args, ref) => {
    const { receipt } = await desk.check(clone, args)
    expect(receipt.source?.ref).toBe(ref)
    expect(receipt.notices).toContainEqual(expect.stringContaining(`The rules for ${ref} hold: `))
  })

  test('a bare clone, a linked working tree and a folder inside a clone are read, too', async () => {
    const bare = join(desk.folder, 'bare.git')
    repository.serveFrom(bare)
    const linked = join(desk.folder, 'linked')
    repository.git('worktree', 'add', '--quiet', linked, 'main')
    writeFileSync(join(linked, 'new'), '')
    for (const folder of [bare, linked, join(clone, '.github')])
      expect((await desk.check(folder, ['main', '--since', 'start'])).code).toBe(0)
  })
})

describe('what cannot be understood ends with 3, what cannot be read with 2', () => {
  test.each([
    ['a folder that is no clone', ['--repo', '/'], 'source/clone-failed'],
    ['a name that stands for nothing', ['nothing..main'], 'source/clone-failed'],
    ['a policy that is not there', ['start..main', '--policy', 'absent.yml'], 'core/file-unreadable'],
    ['a range without a beginning', ['..main'], 'entry/usage'],
    ['the other kind of range', ['start...main'], 'entry/usage'],
    ['a head without a beginning', ['main'], 'entry/usage'],
    ['a commit to explain that was not judged', ['start..main', '--explain', 'feature'], 'entry/usage'],
    ['an engine that does not exist', ['start..main', '--engine', 'magic'], 'entry/usage'],
    ['a short ref', ['start..main', '--ref', 'main'], 'entry/usage'],
  ])('%s', async (_, args, code) => {
    const answer = await desk.run(['source', 'check', '--json', ...args], {}, clone)
    expect([answer.code, JSON.parse(answer.stdout).error.code, answer.stderr]).toEqual([3, code, ''])
    const plain = await desk.run(['source', 'check', ...args], {}, clone)
    expect([plain.code, plain.stdout]).toEqual([3, ''])
    expect(plain.stderr).toContain(`${code}: `)
  })

  test('a base without a policy names both ways out', async () => {
    const fresh = new TestRepository(join(desk.folder, 'no-policy'))
    fresh.commit({ message: 'Begin', files: { a: 'a' } })
    fresh.commit({ message: 'Go on', files: { b: 'b' } })
    const { code, receipt } = await desk.check(fresh.folder, ['HEAD~1..HEAD'])
    expect([code, receipt.error?.code]).toEqual([3, 'source/anchor-without-policy'])
    expect(receipt.error?.remedy).toMatch(/--policy FILE.*--since ANCHOR/)
  })

  test('a shallow clone is unknown where its history is cut, never passed', async () => {
    const shallow = join(desk.folder, 'shallow')
    execFileSync('git', ['clone', '--quiet', '--depth=2', '--branch=main', `file://${clone}`, shallow])
    const { code, receipt } = await desk.check(shallow, ['HEAD~1..HEAD'])
    expect([code, receipt.verdict]).toEqual([2, 'unknown'])
    expect(receipt.error?.remedy).toContain('git fetch --unshallow')
  })
})

describe('how it is told', () => {
  test('every line of the table fits 80 columns, whatever stands in a commit', async () => {
    const fresh = freshClone()
    fresh.commit({ message: `${'中文'.repeat(60)}\u001b[31m\u202e red`, files: { a: 'a' }, ...bob })
    fresh.commit({ message: 'x'.repeat(200), files: { b: 'b' }, ...bob })
    const { stdout, code } = await desk.run(['source', 'check', '--since', 'start', '--repo', fresh.folder])
    expect(code).toBe(0)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may reach a terminal
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/)
    const wide = (line: string) => [...line].reduce((sum, letter) => sum + (/[\u4e00-\u9fff]/.test(letter) ? 2 : 1), 0)
    expect(Math.max(...stdout.split('\n').map(wide))).toBeLessThanOrEqual(80)
  })

  test('a long range shows its ends, counts the rest, and --json has all of it', async () => {
    const { repository: long, anchor } = await makeMixedHistory(join(desk.folder, 'long'), 400)
    const { stdout } = await desk.run(['source', 'check', '--since', anchor, '--repo', long.folder, 'main'])
    expect(stdout.split('\n').length).toBeLessThan(400)
    expect(stdout).toMatch(/\n… 360 more: \d+ passed, \d+ rejected\n/)
    expect(stdout).toMatch(/\n… and \d+ more commits: source\//)
    const { receipt } = await desk.check(long.folder, ['main', '--since', anchor])
    expect(receipt.subjects).toHaveLength(400)
  })

  test('--explain tells every step in order, and each finding once', async () => {
    const { receipt, code } = await desk.check(clone, ['start..main', '--explain', 'main~2'])
    const steps = receipt.explanation?.map(({ step }) => step)
    expect([...new Set(steps)]).toEqual([
      ...['commit', 'place', 'law', 'signature', 'key', 'time', 'owner', 'committer', 'rule', 'platform', 'review'],
      ...['law-change', 'revocation', 'exception', 'verdict'],
    ])
    expect(code).toBe(0)
    const bad = await desk.check(clone, ['main..feature', '--explain', 'feature'])
    const told = bad.receipt.explanation?.filter(({ text }) => text.startsWith('source/unsigned: '))
    expect(told).toEqual([expect.objectContaining({ step: 'signature', outcome: 'rejected' })])
    expect(bad.receipt.explanation?.at(-1)).toMatchObject({ step: 'verdict', outcome: 'rejected' })
    const side = await desk.check(clone, ['start..main', '--explain', 'side'])
    expect(side.receipt.explanation?.[1]?.text).toMatch(/^brought in by the merge [0-9a-f]{7}/)
  })

  test('--explain tells what the law accepted last excepts and revokes', async () => {
    const fresh = freshClone()
    const { signer: _signer, ...unsigned } = bob
    const first = fresh.commit({ message: 'Forget to sign', files: { a: 'a' }, ...unsigned })
    const stolen = fresh.commit({ message: 'Look harmless', files: { b: 'b' }, ...bob })
    const revoked = `revoked: [{fingerprint: "${BOB.fingerprint}", effective: 2026-01-01, mode: compromised}]`
    const law = clonePolicy(
      undefined,
      `exceptions: [{commit: ${first}, reason: "before signing", approved-by: alice}]\n${revoked}`,
    )
    fresh.commit({ message: 'Clean up', files: { [POLICY]: law }, ...alice })
    const steps = async (id: string) =>
      (await desk.check(fresh.folder, ['--since', 'start', '--explain', id])).receipt.explanation ?? []
    expect(await steps(first)).toContainEqual(
      expect.objectContaining({
        step: 'exception',
        outcome: 'passed',
        text: expect.stringContaining('before signing'),
      }),
    )
    expect(await steps(stolen)).toContainEqual(
      expect.objectContaining({
        step: 'revocation',
        outcome: 'rejected',
        text: expect.stringMatching(/^source\/key-revoked/),
      }),
    )
  })
})

/** Notes every attempt to open a socket or to look up a name. */
const WATCH = `import net from 'node:net'
import dns from 'node:dns'
import dgram from 'node:dgram'
import { appendFileSync } from 'node:fs'
const note = what => appendFileSync(process.env.SOCKETS, what + '\\n')
const connect = net.Socket.prototype.connect
net.Socket.prototype.connect = function (...args) { note('connect'); return connect.apply(this, args) }
for (const name of ['lookup', 'resolve']) { const own = dns[name]; dns[name] = (...args) => { note(name); return own(...args) } }
const socket = dgram.createSocket
dgram.createSocket = (...args) => { note('dgram'); return socket(...args) }
`

describe('the platform', () => {
  const reviewed = clonePolicy().replace(
    'commits: {signers: ["@developers"]}',
    'commits: {signers: ["@developers"]}\n    review: {approvals: 1, by: ["@maintainers"]}',
  )
  let github: Github
  let platform: ReturnType<typeof addGithubApi>

  beforeAll(async () => {
    const facts = { id: 4711, ownerId: 1, visibility: 'public', defaultBranch: 'main' } as const
    github = await startGithub({ token: 'secret', repositories: new Map([['acme/app', facts]]) })
    platform = addGithubApi(github)
    platform.model.user('alice', 101)
    platform.model.user('bob', 102)
  })

  afterAll(() => github.close())

  function environment(name: string): Readonly<Record<string, string>> {
    const watch = join(desk.folder, 'watch.mjs')
    writeFileSync(watch, WATCH)
    return {
      GITHUB_TOKEN: 'secret',
      GITHUB_SERVER_URL: github.url,
      GITHUB_API_URL: github.url,
      NODE_OPTIONS: `--import=${watch}`,
      SOCKETS: join(desk.folder, name),
    }
  }

  function reviewedClone(origin: string): TestRepository {
    const fresh = freshClone(reviewed, origin)
    fresh.commit({ message: 'Add the login page', files: { a: 'a' }, ...bob })
    return fresh
  }

  test('with a token reviews are judged', async () => {
    const fresh = reviewedClone(`${github.url}/acme/app.git`)
    const env = environment('asked')
    const { code, codes, receipt } = await desk.check(fresh.folder, ['--since', 'start'], env)
    expect([code, codes]).toEqual([1, ['source/unreviewed']])
    expect(receipt.notChecked.join(' ')).not.toContain('The platform was not asked')
    // The watch sees what is asked here, so that its silence in the next test says something.
    expect(existsSync(env.SOCKETS ?? '')).toBe(true)
  })

  test('with --offline no socket is opened: no platform, no TUF; what was not asked is said', async () => {
    const stack = await startStack()
    try {
      const sigstore = `{sigstore: {identity: bob@example.com, issuer: "${stack.oidc.issuer}"}}`
      const policy = reviewed.replace('bob@example.com], signers: [', `$&${sigstore}, `)
      const fresh = freshClone(policy, `${github.url}/acme/app.git`)
      fresh.commit({ message: 'Add the login page', files: { a: 'a' }, ...bob })
      await gitsigned(fresh, stack)
      const env = environment('offline')
      const before = github.log.length
      const without = await desk.check(fresh.folder, ['--since', 'start', '--offline'], env)
      expect([without.code, without.codes]).toEqual([2, ['source/trust-root-missing']])
      expect(titled(without.receipt, 'Add the login page').verdict).toBe('passed')
      expect(without.receipt.notChecked[0]).toMatch(
        /^Reviews: the rule for refs\/heads\/main asks for 1 approval of alice, .*with --offline nobody is asked/,
      )
      const root = ['--trusted-root', stack.trustedRootFile]
      const rooted = await desk.check(fresh.folder, ['--since', 'start', '--offline', ...root], env)
      expect([rooted.code, rooted.codes]).toEqual([0, []])
      expect(titled(rooted.receipt, 'Sign with a certificate')).toMatchObject({ kind: 'gitsign', principal: 'bob' })
      expect(existsSync(env.SOCKETS ?? '')).toBe(false)
      expect(github.log.length).toBe(before)
    } finally {
      await stack.close()
    }
  })

  test('the token goes to its own server, whatever a clone names as its remote', async () => {
    const other = await startGithub({ repositories: new Map() })
    try {
      const fresh = reviewedClone(`${other.url}/acme/app.git`)
      const { code, receipt } = await desk.check(fresh.folder, ['--since', 'start'], environment('other'))
      expect(code).toBe(0)
      expect(receipt.notChecked[0]).toContain('is no repository of')
      expect(other.log).toEqual([])
    } finally {
      await other.close()
    }
  })

  test('a platform that refuses makes unknown what rests on it, and nothing else', async () => {
    const fresh = reviewedClone(`${github.url}/acme/app.git`)
    const env = { ...environment('refused'), GITHUB_TOKEN: 'wrong' }
    const { code, receipt } = await desk.check(fresh.folder, ['--since', 'start'], env)
    expect([code, receipt.verdict]).toEqual([2, 'unknown'])
    const plain = freshClone(clonePolicy(), `${github.url}/acme/app.git`)
    plain.commit({ message: 'Add the login page', files: { a: 'a' }, ...bob })
    expect((await desk.check(plain.folder, ['--since', 'start'], env)).code).toBe(0)
  })

  test('without a token the rules with reviews are shown, and no verdict rests on them', async () => {
    const fresh = reviewedClone(`${github.url}/acme/app.git`)
    const { code, receipt } = await desk.check(fresh.folder, ['--since', 'start'])
    expect([code, receipt.verdict]).toEqual([0, 'passed'])
    expect(receipt.notChecked[0]).toMatch(/^Reviews: the rule for .* there is no GITHUB_TOKEN\.$/)
  })
})

/** Signs a commit as Bob's gitsign does, with certificate and log entry of the stack. */
async function gitsigned(fresh: TestRepository, stack: Stack): Promise<void> {
  const { signer: _signer, ...unsigned } = bob
  const id = fresh.commit({ message: 'Sign with a certificate', files: { b: 'b' }, ...unsigned })
  const payload = `${fresh.git('cat-file', 'commit', id)}\n`
  const claims = { email: 'bob@example.com', email_verified: 'true' }
  const object = withSignature(payload, (await gitsign(stack, Buffer.from(payload), { claims })).trimEnd())
  fresh.git('update-ref', 'HEAD', fresh.gitInput(object, 'hash-object', '-t', 'commit', '-w', '--stdin'))
}

describe('the other engines', () => {
  const BAD = 'cat > /dev/null; echo "Signature verification failed: incorrect signature" >&2; exit 255'
  const good = (fingerprint: string) =>
    `cat > /dev/null; echo 'Good "git" signature with ED25519 key ${fingerprint}'; exit 0`

  test('gpg, ssh-keygen and Waybill agree about every kind of signature, good and bad', async () => {
    const { repository: mixed, anchor, kinds } = await makeMixedHistory(join(desk.folder, 'mixed'), 60)
    const args = ['main', '--since', anchor]
    const own = await desk.check(mixed.folder, args)
    for (const engine of ['both', 'native']) {
      const { receipt, code } = await desk.check(mixed.folder, [...args, '--engine', engine])
      expect([code, receipt.engines?.disagreements]).toEqual([1, 0])
      expect(receipt.subjects).toEqual(own.receipt.subjects)
      const signed = [...kinds.values()].filter(kind => kind !== 'unsigned').length
      const { compared, notCompared } = receipt.engines ?? {}
      const count = (tally?: { openpgp: number; ssh: number }) => (tally?.openpgp ?? 0) + (tally?.ssh ?? 0)
      expect(count(compared) + count(notCompared)).toBe(signed)
      if (engine === 'both') expect(count(notCompared)).toBe(0)
    }
    expect(new Set(kinds.values()).size).toBe(12)
  })

  test('with both, one that says otherwise is an error that names the commit and both answers', async () => {
    const env = desk.withPrograms('says-bad', { 'ssh-keygen': BAD })
    const { code, receipt, codes } = await desk.check(clone, ['main', '--since', 'start', '--engine', 'both'], env)
    expect([code, new Set(codes)]).toEqual([1, new Set(['source/engines-disagree', 'policy/unapproved-change'])])
    expect(receipt.engines?.disagreements).toBe(5)
    const [finding] = titled(receipt, 'Draw a logo').findings
    expect(finding).toMatchObject({
      code: 'source/engines-disagree',
      message: expect.stringContaining('commit 1d74959'),
      expected: expect.stringContaining('valid, by SHA256:'),
      found: expect.stringContaining('ssh-keygen: invalid: Signature verification failed: incorrect signature'),
    })
  })

  test('with native, the other one alone answers for the mathematics', async () => {
    const bad = desk.withPrograms('native-bad', { 'ssh-keygen': BAD })
    const refused = await desk.check(clone, ['main', '--since', 'start', '--engine', 'native'], bad)
    expect(titled(refused.receipt, 'Draw a logo').findings[0]?.code).toBe('source/bad-signature')
    const fresh = freshClone()
    const tamper = (object: string) => object.replace('harmless', 'evil')
    fresh.commit({ message: 'harmless', files: { a: 'a' }, ...bob, tamper })
    const args = ['--since', 'start', '--engine', 'native']
    expect((await desk.check(fresh.folder, args)).codes).toEqual(['source/bad-signature'])
    const env = desk.withPrograms('native-good', { 'ssh-keygen': good(BOB.fingerprint) })
    expect((await desk.check(fresh.folder, args, env)).code).toBe(0)
    // Another key than the one in the signature is no answer to the question.
    const other = desk.withPrograms('native-other', { 'ssh-keygen': good(ALICE.fingerprint) })
    expect((await desk.check(fresh.folder, args, other)).codes).toEqual(['source/bad-signature'])
  })

  test('one that gives no answer is counted, and Waybill decides', async () => {
    const env = desk.withPrograms('mumbles', { 'ssh-keygen': 'echo "Good morning"; exit 0' })
    for (const engine of ['both', 'native']) {
      const { code, receipt } = await desk.check(clone, ['main', '--since', 'start', '--engine', engine], env)
      expect([code, receipt.engines?.notCompared.ssh]).toEqual([0, 5])
      expect(receipt.notChecked).toContainEqual(expect.stringContaining('5 ssh signatures, which it cannot check'))
    }
  })

  test('one that floods its output, or is not there, ends the run', async () => {
    const floods = desk.withPrograms('floods', { 'ssh-keygen': 'yes' })
    const flood = await desk.check(clone, ['main', '--since', 'start', '--engine', 'both'], floods)
    expect([flood.code, flood.receipt.error?.code]).toEqual([2, 'source/engine-missing'])
    const git = execFileSync('sh', ['-c', 'command -v git']).toString().trim()
    const only = desk.withPrograms('only-git', { git: `exec ${git} "$@"` })
    const env = { PATH: (only.PATH ?? '').split(':')[0] ?? '' }
    const none = await desk.check(clone, ['main', '--since', 'start', '--engine', 'both'], env)
    expect([none.code, none.receipt.error?.code]).toEqual([3, 'source/engine-missing'])
  })

  test('nothing of whoever runs it has a say: no keyring, configuration or agent', async () => {
    const { repository: mixed, anchor } = await makeMixedHistory(join(desk.folder, 'isolated'), 12)
    const gnupg = join(desk.home, '.gnupg')
    execFileSync('mkdir', ['-m', '700', gnupg])
    const traps = { 'gpg.conf': 'keyserver hkp://127.0.0.1:1\nauto-key-retrieve\nnonsense-option\n' }
    for (const [name, text] of Object.entries(traps)) writeFileSync(join(gnupg, name), text)
    const env = { GNUPGHOME: gnupg, GIT_DIR: '/nonexistent', SSH_AUTH_SOCK: '/nonexistent' }
    const { receipt } = await desk.check(mixed.folder, ['main', '--since', anchor, '--engine', 'both'], env)
    expect(receipt.engines).toMatchObject({ disagreements: 0, notCompared: { openpgp: 0, ssh: 0 } })
    expect(execFileSync('ls', [gnupg]).toString().trim()).toBe('gpg.conf')
  })
})
