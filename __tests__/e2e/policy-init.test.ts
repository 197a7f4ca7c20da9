import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TestRepository } from '../fakes/repository.ts'
import { execute, type Finished } from '../fakes/scenario.ts'
import { makeSshSigner } from '../fakes/ssh-signer.ts'

const CLI = join(import.meta.dirname, '..', '..', 'dist', 'cli.js')

let folder: string
let clone: TestRepository

beforeEach(() => {
  folder = mkdtempSync(join(realpathSync(tmpdir()), 'waybill-init-'))
  clone = new TestRepository(join(folder, 'clone'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const waybill = (...args: readonly string[]): Promise<Finished> =>
  execute([CLI, ...args], { PATH: process.env.PATH ?? '', HOME: folder, TMPDIR: folder }, clone.folder)

/** GitHub's own signature, as far as it names its key: nobody could have made the rest. */
const WEB_FLOW = `-----BEGIN PGP SIGNATURE-----

wsBcBAABCAAQBQJlo1XYCRC1aQ7uu5UhlAAAZ1YIAA==
=AAAA
-----END PGP SIGNATURE-----`

test('from the first signed commits to a policy that can be used, by the commands it prints', async () => {
  const alice = makeSshSigner()
  clone.commit({ message: 'One', signer: alice, files: { a: '1' } })
  clone.commit({ message: 'Two', files: { a: '2' } })
  const init = await waybill('policy', 'init')
  expect(init.code).toBe(0)
  expect(init.stdout).toMatch(/^version: 1\n/)
  expect(init.stdout).toContain(alice.publicKey.split(' ')[1])
  expect(init.log).toContain('Looked at 2 commits of refs/heads/main: 1 unsigned, 0 signed by the platform.')
  expect(init.log).toContain('git rev-parse HEAD')

  const out = join(clone.folder, '.github', 'waybill.yml')
  expect((await waybill('policy', 'init', '--out', '.github/waybill.yml')).code).toBe(0)
  expect(readFileSync(out, 'utf8')).toBe(init.stdout)
  const check = await waybill('policy', 'check')
  expect([check.code, check.stdout]).toEqual([0, expect.stringContaining('every commit signed by person-1')])

  const again = await waybill('policy', 'init', '--out', '.github/waybill.yml')
  expect([again.code, again.log]).toEqual([3, expect.stringContaining('never replaced')])
  expect((await waybill('policy', 'init')).log).toContain('exists already; this is printed for comparison')
})

test('the branch and its commits are those that are asked for', async () => {
  clone.commit({ message: 'Main', signer: makeSshSigner(), files: { a: '1' } })
  clone.git('checkout', '--quiet', '-b', 'release/1')
  const bob = makeSshSigner()
  clone.commit({ message: 'Release', signer: bob, email: 'bob@example.com', files: { a: '2' } })
  const here = await waybill('policy', 'init', '--json')
  expect(JSON.parse(here.stdout)).toMatchObject({
    schemaVersion: 1,
    command: 'policy init',
    data: { ref: 'refs/heads/release/1', commits: 2, unsigned: 0 },
  })
  const main = await waybill('policy', 'init', '--branch', 'main')
  expect(main.stdout).toContain('refs: ["refs/heads/main"]')
  expect(main.stdout).not.toContain('bob@example.com')
})

test('the platform is nobody, and unsigned history proposes nothing', async () => {
  clone.commit({ message: 'Unsigned', files: { a: '1' } })
  clone.commit({
    message: 'Merge by button',
    email: 'noreply@github.com',
    files: { a: '2' },
    tamper: object => object.replace('\n\n', `\ngpgsig ${WEB_FLOW.split('\n').join('\n ')}\n\n`),
  })
  const init = await waybill('policy', 'init', '--out', 'policy.yml')
  expect([init.code, init.stdout]).toEqual([3, ''])
  expect(init.log).toContain('policy/nothing-to-suggest')
  expect(init.log).toContain('1 unsigned')
  expect(existsSync(join(clone.folder, 'policy.yml'))).toBe(false)
})
