import { compareObserved, unexpectedMaterials } from '../../src/build/observed.ts'
import { A, allowedImage, allowing, B } from './policy-model.ts'
import { errorOf } from './support.ts'

const COMMIT = '0f3c'.repeat(10)
const ALLOWED = allowing({
  images: [allowedImage('alpine:3.22', A), allowedImage('127.0.0.1:5000/lib/base', B, { names: [] })],
  urls: [{ url: 'https://alice:x@example.com/ü', sha256: 'c'.repeat(64) }],
  repositories: [{ remote: 'https://example.com/lib.git', ref: 'v1', commit: COMMIT }],
  contexts: new Map([['tools', `docker-image://ghcr.io/acme/unjudged@${A}`]]),
})

/** Each form as BuildKit 0.26.3 wrote it. */
test.each([
  ['an image of Docker Hub', 'pkg:docker/alpine@3.22?platform=linux%2Famd64', { sha256: 'a'.repeat(64) }],
  [
    'an image of a registry with a port',
    'pkg:docker/127.0.0.1%3A5000/lib/base@1?digest=sha256:x',
    { sha256: 'b'.repeat(64) },
  ],
  ['a URL in its other spelling', 'https://xxxxx:xxxxx@example.com/%C3%BC', { sha256: 'c'.repeat(64) }],
  ['a repository', `https://example.com/lib.git#${COMMIT}`, { sha1: COMMIT }],
])('%s is what was allowed', (_what, uri, digest) => {
  expect(unexpectedMaterials(ALLOWED, [{ uri, digest }])).toEqual([])
})

test.each([
  ['another digest', 'pkg:docker/alpine@3.22', { sha256: 'f'.repeat(64) }],
  [
    '13-adversary 20: the image of a context that nobody judged',
    'pkg:docker/ghcr.io/acme/unjudged',
    { sha256: 'a'.repeat(64) },
  ],
  ['no digest', 'pkg:docker/alpine@3.22', {}],
  ['the digest of one image under the name of another', 'pkg:docker/alpine@3.22', { sha256: 'b'.repeat(64) }],
  ['an image beside it', 'pkg:docker/debian@12', { sha256: 'a'.repeat(64) }],
  ['a layout of the machine', 'pkg:oci/alpine', { sha256: 'a'.repeat(64) }],
  ['another file of the host', 'https://example.com/v', { sha256: 'c'.repeat(64) }],
  ['the commit of another repository', 'https://example.com/other.git#v1', { sha1: COMMIT }],
  ['an image that is no name', 'pkg:docker/%zz', { sha256: 'a'.repeat(64) }],
  ['something that is no uri', '', { sha256: 'a'.repeat(64) }],
])('%s was not allowed', (_what, uri, digest) => {
  expect(unexpectedMaterials(ALLOWED, [{ uri, digest }])).toHaveLength(1)
})

test('compareObserved() names the first of them', async () => {
  const other = { uri: 'pkg:docker/debian@12', digest: { sha256: 'a'.repeat(64) } }
  const error = await errorOf(() => compareObserved(ALLOWED, [other, { ...other, uri: 'pkg:docker/node' }]))
  expect(error).toMatchObject({ code: 'materials/undeclared', found: `sha256:${'a'.repeat(64)}` })
  expect(error.message).toContain('pkg:docker/debian@12 and 1 more')
  expect(compareObserved(ALLOWED, [])).toBeUndefined()
})
