import { createHash } from 'node:crypto'
import { TestRepository } from './repository.ts'
import { makeSshSigner, type SshSigner } from './ssh-signer.ts'

/** Always the same key for a name, so that the ids of a fixture are always the same. */
export function signerNamed(name: string): SshSigner {
  const seed = createHash('sha256').update(`waybill test key of ${name}`).digest()
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return makeSshSigner(`-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`)
}

export const [ALICE, BOB, CAROL, MALLORY] = ['alice', 'bob', 'carol', 'mallory'].map(signerNamed) as [
  SshSigner,
  SshSigner,
  SshSigner,
  SshSigner,
]

/** Alice maintains, Bob develops; Carol where she is named. Others: further lines. */
export function clonePolicy(developers = '"@maintainers", bob', others = ''): string {
  const principal = (name: string, { publicKey }: SshSigner) =>
    `  ${name}: {emails: [${name}@example.com], signers: [{ssh: {key: "${publicKey}"}}]}`
  return [
    'version: 1',
    'principals:',
    principal('alice', ALICE),
    principal('bob', BOB),
    principal('carol', CAROL),
    `roles: {maintainers: [alice], developers: [${developers}]}`,
    'source:',
    '  - refs: ["refs/heads/main"]',
    '    commits: {signers: ["@developers"]}',
    'policy-change: {signers: ["@maintainers"]}',
    others,
    '',
  ].join('\n')
}

const by = (name: string, signer: SshSigner) => ({
  name: `${name[0]?.toUpperCase()}${name.slice(1)}`,
  email: `${name}@example.com`,
  signer,
})

/**
 * A person's clone, every id always the same:
 *
 *     start ── login ── law (carol may commit) ── carol's ── merge     main, origin/main
 *       \\                    \\                            /
 *        \\                    bob's ── unsigned            /          feature, checked out
 *         bob's side ─────────────────────────────────────
 */
export function makeClone(folder: string): TestRepository {
  const repository = new TestRepository(folder)
  const policy = '.github/waybill.yml'
  const start = repository.commit({ message: 'Begin', files: { [policy]: clonePolicy() }, ...by('alice', ALICE) })
  repository.git('tag', 'start', start)
  repository.commit({ message: 'Add the login page', files: { 'login.html': '1' }, ...by('bob', BOB) })
  repository.git('checkout', '--quiet', '-b', 'side', start)
  const side = repository.commit({ message: 'Count visitors', files: { 'count.txt': '0' }, ...by('bob', BOB) })
  repository.git('checkout', '--quiet', 'main')
  const files = { [policy]: clonePolicy('"@maintainers", bob, carol') }
  const law = repository.commit({ message: 'Let Carol commit', files, ...by('alice', ALICE) })
  repository.commit({ message: 'Draw a logo', files: { 'logo.svg': '<svg/>' }, ...by('carol', CAROL) })
  const merged = { message: 'Merge side', files: { 'count.txt': '0' }, merge: [side] }
  repository.commit({ ...merged, ...by('alice', ALICE) })
  repository.git('checkout', '--quiet', '-b', 'feature', law)
  repository.commit({ message: 'Add a logout', files: { 'logout.html': '1' }, ...by('bob', BOB) })
  const { signer: _signer, ...bob } = by('bob', BOB)
  repository.commit({ message: 'Fix the logout', files: { 'logout.html': '2' }, ...bob })
  repository.git('remote', 'add', 'origin', 'https://github.com/acme/app.git')
  repository.git('update-ref', 'refs/remotes/origin/main', 'refs/heads/main')
  repository.git('symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/main')
  return repository
}
