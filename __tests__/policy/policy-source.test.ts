import fc from 'fast-check'
import { WaybillError } from '../../src/core/error.ts'
import { isOutside, outsidePolicyUri, parsePolicySource } from '../../src/policy/policy-source.ts'
import { errorOf } from './world.ts'

const COMMIT = '0123456789abcdef0123456789abcdef01234567'

test.each([
  ['.github/waybill.yml', { path: '.github/waybill.yml' }],
  ['./waybill.yml', { path: 'waybill.yml' }],
  ['keys@home.yml', { path: 'keys@home.yml' }],
  [
    'acme/policies@refs/heads/main:waybill.yml',
    { repository: 'acme/policies', ref: 'refs/heads/main', path: 'waybill.yml' },
  ],
  ['a/b@refs/tags/v1.0:team/a/waybill.yml', { repository: 'a/b', ref: 'refs/tags/v1.0', path: 'team/a/waybill.yml' }],
  ['a/b@refs/heads/x@y:.github/w.yml', { repository: 'a/b', ref: 'refs/heads/x@y', path: '.github/w.yml' }],
  [`a/.github@${COMMIT}:w.yml`, { repository: 'a/.github', ref: COMMIT, path: 'w.yml' }],
])('parsePolicySource() reads %s', (text, expected) => {
  expect(parsePolicySource(text)).toEqual(expected)
})

test.each([
  'acme/policies@main:waybill.yml',
  'acme/policies@0123abc:waybill.yml',
  'acme/policies@refs/pull/1/merge:waybill.yml',
  'acme/policies@refs/notes/commits:waybill.yml',
  'acme/policies@refs/heads/a..b:waybill.yml',
  'acme/policies@refs/heads/a b:waybill.yml',
  'acme/policies@refs/heads/*:waybill.yml',
  'acme/policies@refs/heads/--upload-pack=x.lock:waybill.yml',
  'acme/policies@:waybill.yml',
  'acme/..@refs/heads/main:waybill.yml',
  'acme/a/b@refs/heads/main:waybill.yml',
  '-acme/a@refs/heads/main:waybill.yml',
  'acme/policies@refs/heads/main:',
  'acme/policies@refs/heads/main:../waybill.yml',
  'acme/policies@refs/heads/main:/waybill.yml',
  'acme/policies@refs/heads/main:a//b',
  'acme/policies@refs/heads/main:a/./b',
  'acme/policies@refs/heads/main:-x',
  '/etc/policy.yml',
  '../policy.yml',
  '',
])('parsePolicySource() refuses %j', text => {
  const error = errorOf(() => parsePolicySource(text))
  expect([error.code, error.kind]).toEqual(['policy/source-malformed', 'configuration'])
})

test('parsePolicySource() gives a place or one error for any text, and never a path that leaves its repository', () => {
  const piece = fc.constantFrom('a', '/', '@', ':', '.', '..', 'refs/heads/', COMMIT, '-', ' ', '\u0000', '~')
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece, { maxLength: 12 }).map(parts => parts.join('')),
      ),
      text => {
        try {
          const source = parsePolicySource(text)
          expect(source.path.split('/')).not.toContain('..')
          expect(source.path).not.toMatch(/^[/-]/)
          if (isOutside(source)) expect(source.ref).toMatch(/^(refs\/(heads|tags)\/|[0-9a-f]{40}$)/)
        } catch (error) {
          expect((error as WaybillError).code).toBe('policy/source-malformed')
          expect(error).toBeInstanceOf(WaybillError)
        }
      },
    ),
  )
})

test('outsidePolicyUri() names server, repository, ref and path', () => {
  const source = { repository: 'acme/policies', ref: 'refs/heads/main', path: 'waybill.yml' }
  expect(outsidePolicyUri('https://github.com', source)).toBe(
    'git+https://github.com/acme/policies@refs/heads/main#waybill.yml',
  )
})
