import fc from 'fast-check'
import { gitLocation, imageIdentifier } from '../../src/build/source-identifiers.ts'
import { sourcePolicy } from '../../src/build/source-policy.ts'
import { A, allowedImage, allowing, B, evaluate } from './policy-model.ts'
import { errorOf } from './support.ts'

const NODE = 'docker-image://docker.io/library/node'

test.each([
  ['alpine', 'docker-image://docker.io/library/alpine:latest'],
  ['alpine:3.22', 'docker-image://docker.io/library/alpine:3.22'],
  [`alpine@${A}`, `docker-image://docker.io/library/alpine@${A}`],
  [`alpine:3.22@${A}`, `docker-image://docker.io/library/alpine:3.22@${A}`],
  ['docker.io/alpine', 'docker-image://docker.io/library/alpine:latest'],
  ['index.docker.io/library/alpine', 'docker-image://docker.io/library/alpine:latest'],
  ['acme/app:1', 'docker-image://docker.io/acme/app:1'],
  ['ghcr.io/acme/app', 'docker-image://ghcr.io/acme/app:latest'],
  ['GHCR.IO/acme/app', 'docker-image://GHCR.IO/acme/app:latest'],
  ['Registry/acme/app', 'docker-image://Registry/acme/app:latest'],
  ['localhost/app', 'docker-image://localhost/app:latest'],
  ['127.0.0.1:5000/app', 'docker-image://127.0.0.1:5000/app:latest'],
  ['[::1]:5000/app:1', 'docker-image://[::1]:5000/app:1'],
])('imageIdentifier(%s) spells it as BuildKit does', (name, identifier) => {
  expect(imageIdentifier(name)).toBe(identifier)
})

test.each([
  ['https://github.com/acme/lib.git', 'github.com/acme/lib.git'],
  ['https://alice@github.com/acme/lib.git', 'github.com/acme/lib.git'],
  ['https://GitHub.com:443/acme//x/../lib.git', 'GitHub.com:443/acme/lib.git'],
  ['http://127.0.0.1:80/a%20b.git', '127.0.0.1:80/a b.git'],
  ['git@github.com:acme/lib.git', 'github.com/acme/lib.git'],
  ['ssh://git@github.com/acme/lib.git', 'github.com/acme/lib.git'],
  ['https://github.com/%zz.git', undefined],
  ['acme/lib', undefined],
])('gitLocation(%s)', (remote, location) => {
  expect(gitLocation(remote)).toBe(location)
})

test('sourcePolicy() of nothing denies everything but folders of this run', () => {
  const policy = sourcePolicy(allowing())
  expect(evaluate(policy, 'local://context')).toBeDefined()
  for (const identifier of [
    `${NODE}:24`,
    'http://a/b',
    'https://a/b',
    'git://a/b',
    'oci-layout://x@y',
    'x-local://a',
    '',
  ])
    expect(evaluate(policy, identifier)).toBeUndefined()
})

test('13-adversary 34: every form in which an allowed image can be asked for ends at its one digest', () => {
  const names = ['node:24', 'docker.io/library/node:24', 'registry-1.docker.io/library/node:24', `node:24@${A}`]
  const policy = sourcePolicy(allowing({ images: [allowedImage('node:24', A, { names })] }))
  const pinned = `${NODE}:24@${A}`
  expect(evaluate(policy, `${NODE}:24`)?.identifier).toBe(pinned)
  expect(evaluate(policy, pinned)?.identifier).toBe(pinned)
  expect(evaluate(policy, `${NODE}@${A}`)?.identifier).toBe(`${NODE}@${A}`)
  expect(evaluate(policy, 'docker-image://registry-1.docker.io/library/node:24')?.identifier).toBe(pinned)
  expect(evaluate(policy, `docker-image://registry-1.docker.io/library/node:24@${A}`)?.identifier).toBe(pinned)
  for (const other of [`${NODE}:25`, `${NODE}:24@${B}`, `${NODE}@${B}`, `${NODE}:24x`, `${NODE}2:24`, `x${NODE}:24`])
    expect(evaluate(policy, other)).toBeUndefined()
})

test('an image asked for by its digest alone does not open its tags', () => {
  const policy = sourcePolicy(allowing({ images: [allowedImage(`node@${A}`, A)] }))
  expect(evaluate(policy, `${NODE}@${A}`)).toBeDefined()
  expect(evaluate(policy, `${NODE}:latest`)).toBeUndefined()
  const tagged = sourcePolicy(allowing({ images: [allowedImage(`node:24@${A}`, A)] }))
  expect(evaluate(tagged, `${NODE}:24@${A}`)).toBeDefined()
  expect(evaluate(tagged, `${NODE}:24`)).toBeUndefined()
})

test('a name that stands for another place, tag or digest opens nothing', () => {
  const names = ['evil.example/node:24', 'node:25', `node:24@${B}`]
  const policy = sourcePolicy(allowing({ images: [allowedImage('node:24', A, { names })] }))
  for (const name of names) expect(evaluate(policy, imageIdentifier(name))).toBeUndefined()
})

test('the builder’s own image is no source of a build', () => {
  const images = [allowedImage('moby/buildkit:v0.26.3', A, { use: 'builder' })]
  const policy = sourcePolicy(allowing({ images }))
  expect(evaluate(policy, `docker-image://docker.io/moby/buildkit:v0.26.3@${A}`)).toBeUndefined()
})

test('one name for two digests is refused, two tags of one digest are not', async () => {
  const images = [allowedImage('node:24', A), allowedImage('node:24', B)]
  expect((await errorOf(() => sourcePolicy(allowing({ images })))).code).toBe('build/request-malformed')
  const both = sourcePolicy(allowing({ images: [allowedImage('node:24', A), allowedImage('node:lts', A)] }))
  expect(evaluate(both, `${NODE}:lts`)?.identifier).toBe(`${NODE}:lts@${A}`)
  expect(evaluate(both, `${NODE}:24`)?.identifier).toBe(`${NODE}:24@${A}`)
})

test('13-adversary 20: a named context opens nothing by itself: its image must have been judged', () => {
  const contexts = new Map([
    ['base', `docker-image://docker.io/library/node:24@${A}`],
    ['evil', `docker-image://evil.example/x:1@${B}`],
    ['tools', '/run/tools'],
  ])
  const policy = sourcePolicy(allowing({ images: [allowedImage(`node:24@${A}`, A)], contexts }))
  expect(evaluate(policy, `${NODE}:24@${A}`)).toBeDefined()
  expect(evaluate(policy, `${NODE}:24`)).toBeUndefined()
  expect(evaluate(policy, `docker-image://evil.example/x:1@${B}`)).toBeUndefined()
})

test('a URL is fetched with its checksum, and a Dockerfile’s own must be the same', () => {
  const url = 'https://example.com/tool.tgz'
  const policy = sourcePolicy(allowing({ urls: [{ url, sha256: 'c'.repeat(64) }] }))
  const sum = `sha256:${'c'.repeat(64)}`
  expect(evaluate(policy, url)?.attrs).toEqual({ 'http.checksum': sum })
  expect(evaluate(policy, url, { 'http.checksum': sum })).toBeDefined()
  expect(evaluate(policy, url, { 'http.checksum': `sha256:${'d'.repeat(64)}` })).toBeUndefined()
})

const COMMIT = '0f3c'.repeat(10)
const REMOTE = 'https://example.com/acme/lib.git'
const LIB = 'git://example.com/acme/lib.git'

test('a repository is fetched at its commit, whatever its ref says now, without its submodules', () => {
  const policy = sourcePolicy(allowing({ repositories: [{ remote: REMOTE, ref: 'v1', commit: COMMIT }] }))
  const asked = { 'git.fullurl': REMOTE }
  const fetched = { ...asked, 'git.checksum': COMMIT, 'git.skipsubmodules': 'true' }
  expect(evaluate(policy, `${LIB}#v1`, asked)).toEqual({ identifier: `${LIB}#${COMMIT}`, attrs: fetched })
  expect(evaluate(policy, `${LIB}#v1:dir`, asked)?.identifier).toBe(`${LIB}#${COMMIT}:dir`)
  expect(evaluate(policy, `${LIB}#v1`, { ...asked, 'git.checksum': COMMIT })?.attrs).toEqual(fetched)
  const refused = [
    [`${LIB}#v2`, asked],
    [`${LIB}#v1.1`, asked],
    [LIB, asked],
    [`${LIB}#v1`, { 'git.fullurl': 'http://example.com/acme/lib.git' }],
    [`${LIB}#v1`, {}],
    [`${LIB}#v1`, { ...asked, 'git.checksum': 'b'.repeat(40) }],
    [`${LIB}#v1`, { ...asked, 'git.keepgitdir': 'true' }],
  ] as const
  for (const [identifier, attrs] of refused) expect(evaluate(policy, identifier, attrs)).toBeUndefined()
})

test('a repository without a ref, or at the commit itself, is fetched at that commit', () => {
  const asked = { 'git.fullurl': REMOTE }
  const head = sourcePolicy(allowing({ repositories: [{ remote: REMOTE, ref: '', commit: COMMIT }] }))
  expect(evaluate(head, LIB, asked)?.identifier).toBe(`${LIB}#${COMMIT}`)
  expect(evaluate(head, `${LIB}#:dir`, asked)?.identifier).toBe(`${LIB}#${COMMIT}:dir`)
  expect(evaluate(head, `${LIB}#main`, asked)).toBeUndefined()
  const pinned = sourcePolicy(allowing({ repositories: [{ remote: REMOTE, ref: COMMIT, commit: COMMIT }] }))
  expect(evaluate(pinned, `${LIB}#${COMMIT}`, asked)?.attrs['git.skipsubmodules']).toBe('true')
})

test('sourcePolicy() is the same whatever the order of what is allowed', () => {
  const images = [allowedImage('node:24', A), allowedImage('ghcr.io/acme/base:1', B)]
  const urls = ['https://a.example/1', 'https://a.example/2'].map(url => ({ url, sha256: 'c'.repeat(64) }))
  const one = sourcePolicy(allowing({ images, urls }))
  expect(sourcePolicy(allowing({ images: images.toReversed(), urls: urls.toReversed() }))).toEqual(one)
})

/** Characters that mean something to a glob, a regular expression, a replacement or JSON. */
const awkward = fc.string({ unit: fc.constantFrom(...'*?[]\\$(){}|^.+-ab1"\'#:%&é'), minLength: 1, maxLength: 12 })

test('no character of a URL makes its rule match another', () => {
  fc.assert(
    fc.property(awkward, awkward, (path, other) => {
      const url = `https://example.com/${path}`
      const policy = sourcePolicy(allowing({ urls: [{ url, sha256: 'c'.repeat(64) }] }))
      expect(evaluate(policy, url)?.identifier).toBe(url)
      if (other !== path) expect(evaluate(policy, `https://example.com/${other}`)).toBeUndefined()
    }),
    { numRuns: 500 },
  )
})

test('no character of a repository or ref makes its rule match another, or gets lost on the way to the commit', () => {
  const plain = awkward.map(text => text.replaceAll(/[#:%\\?]/g, '_'))
  fc.assert(
    fc.property(plain, plain, plain, (path, ref, other) => {
      const remote = `https://example.com/x${path}.git`
      const location = gitLocation(remote)
      const policy = sourcePolicy(allowing({ repositories: [{ remote, ref, commit: COMMIT }] }))
      const asked = { 'git.fullurl': remote }
      expect(evaluate(policy, `git://${location}#${ref}`, asked)?.identifier).toBe(`git://${location}#${COMMIT}`)
      if (other !== ref) expect(evaluate(policy, `git://${location}#${other}`, asked)).toBeUndefined()
      if (other !== path) expect(evaluate(policy, `git://example.com/x${other}.git#${ref}`, asked)).toBeUndefined()
    }),
    { numRuns: 500 },
  )
})

test('any image that can be named is allowed by its own rules and by no other’s', () => {
  const name = fc.tuple(
    fc.constantFrom(
      '',
      'acme/',
      'ghcr.io/acme/',
      'GHCR.IO/acme/',
      '127.0.0.1:5000/',
      '[::1]:5000/',
      'a.b-c.example/x_y/',
    ),
    fc.constantFrom('app', 'a.b', 'a__b', 'a-b'),
    fc.constantFrom('', ':1', ':1.0', ':1_0', ':A-b.C', `@${A}`, `:1@${A}`),
  )
  fc.assert(
    fc.property(name, name, (one, two) => {
      const [first, second] = [one.join(''), two.join('')]
      const image = allowedImage(first, A)
      const policy = sourcePolicy(allowing({ images: [image] }))
      expect(evaluate(policy, imageIdentifier(first))?.identifier.endsWith(`@${A}`)).toBe(true)
      const other = evaluate(policy, imageIdentifier(second))
      if (other !== undefined) expect(other.identifier).toContain(`${image.reference.canonical}`)
      if (other !== undefined) expect(other.identifier.endsWith(`@${A}`)).toBe(true)
    }),
  )
})
