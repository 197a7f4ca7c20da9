import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { WaybillError } from '../../src/core/error.ts'
import { readReviewSign } from '../../src/entry/commands/review-sign.ts'
import { branchOf } from '../../src/entry/review-target.ts'
import { repositoryUri } from '../../src/source/clone.ts'

test('readReviewSign() takes a range and has a default for the rest', () => {
  expect(readReviewSign({ values: {}, references: ['main..feature'] })).toEqual({
    range: 'main..feature',
    repo: '.',
    remote: 'origin',
    withdraw: false,
    push: false,
    json: false,
  })
  const values = { target: 'main', key: 'k', policy: 'p', repository: 'u', 'repository-id': '7', withdraw: true }
  expect(readReviewSign({ values, references: ['7'] })).toMatchObject({
    range: '7',
    target: 'main',
    key: 'k',
    policy: 'p',
    repository: 'u',
    repositoryId: '7',
    withdraw: true,
  })
})

test.each([
  ['main', 'main'],
  ['origin/main', 'main'],
  ['refs/heads/main', 'main'],
  ['refs/remotes/origin/release/1', 'release/1'],
  ['release/origin/1', 'release/origin/1'],
])('branchOf() reads %s as the branch %s', (name, branch) => {
  expect(branchOf(name, 'origin')).toBe(branch)
})

test('branchOf() of any name is a branch that git allows, or refused', () => {
  const part = fc.oneof(
    fc.string({ maxLength: 6 }),
    fc.constantFrom('origin/', 'refs/heads/', '..', '@{', '.', '/', '-'),
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 5 }), parts => {
      let branch: string
      try {
        branch = branchOf(parts.join(''), 'origin')
      } catch (error) {
        expect(error).toMatchObject({ code: 'entry/usage', kind: 'configuration' })
        return
      }
      expect(branch).toMatch(/^[^-/.\s~^:?*[\\][^\s~^:?*[\\]*$/)
      expect(branch).not.toMatch(/\.\.|@\{|\/\/|[/.]$/)
    }),
  )
})

test('what branchOf() reads, git takes for a branch', () => {
  for (const name of ['main', 'release/1', 'ein/schöner/zweig', 'a@b', "it's", '$(x)', 'a`b'])
    execFileSync('git', ['check-ref-format', `refs/heads/${branchOf(name, 'origin')}`])
})

test.each([
  ['https://github.com/acme/app', 'https://github.com/acme/app'],
  ['https://github.com/acme/app.git', 'https://github.com/acme/app'],
  ['https://user:token@github.com/acme/app.git/', 'https://github.com/acme/app'],
  ['https://git.example:8443/acme/app', 'https://git.example:8443/acme/app'],
  ['http://127.0.0.1:3000/acme/app', 'http://127.0.0.1:3000/acme/app'],
  ['git@github.com:acme/app.git', 'https://github.com/acme/app'],
  ['github.com:acme/app', 'https://github.com/acme/app'],
  ['ssh://git@github.com:22/acme/app.git', 'https://github.com/acme/app'],
  ['git://github.com/acme/app', 'https://github.com/acme/app'],
  ['/srv/git/app.git', undefined],
  ['../app', undefined],
  ['file:///srv/app', undefined],
  ['ext::sh -c x', undefined],
  ['https://github.com/app', undefined],
  ['', undefined],
])('repositoryUri() reads the remote %s as %s', (remote, uri) => {
  expect(repositoryUri(remote)).toBe(uri)
})

test('repositoryUri() of any remote holds no name, password or blank', () => {
  const remote = fc.oneof(
    fc.webUrl({ withQueryParameters: true }),
    fc.string(),
    fc.string().map(s => `git@host:${s}`),
  )
  fc.assert(
    fc.property(remote, text => {
      const uri = repositoryUri(text)
      if (uri !== undefined) expect(uri).toMatch(/^https?:\/\/[^\s@/]+(?:\/[^\s/]+){2,}$/)
    }),
  )
})

test('readReviewSign() of any words is a wish or a typed error', () => {
  const values = fc.record({ 'repository-id': fc.string(), target: fc.string() }, { requiredKeys: [] })
  fc.assert(
    fc.property(values, fc.array(fc.string(), { maxLength: 3 }), (given, references) => {
      try {
        readReviewSign({ values: given, references })
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
      }
    }),
  )
})
