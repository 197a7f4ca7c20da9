import fc from 'fast-check'
import { readRunningImage } from '../../src/subjects/running-image.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`

test.each([
  [`docker-pullable://ghcr.io/acme/app@${DIGEST}`, 'ghcr.io/acme/app'],
  [`ghcr.io/acme/app@${DIGEST}`, 'ghcr.io/acme/app'],
  [`GHCR.IO/acme/app:1@${DIGEST}`, 'ghcr.io/acme/app'],
  [`docker.io/library/nginx@${DIGEST}`, 'docker.io/library/nginx'],
])('13-adversary 33: readRunningImage(%s) is a manifest with a name', (text, canonical) => {
  expect(readRunningImage(text)).toMatchObject({ kind: 'manifest', reference: { canonical, digest: DIGEST } })
})

test.each([DIGEST, `docker://${DIGEST}`])(
  '13-adversary 33: readRunningImage(%s) has no name, so it is not resolved',
  text => {
    expect(readRunningImage(text)).toEqual({ kind: 'config', digest: DIGEST })
  },
)

test.each([
  '',
  'ghcr.io/acme/app:1',
  'docker://x',
  'sha256:aa',
  `x@sha512:${'a'.repeat(128)}`,
  'docker-pullable://',
  `crio://x@${DIGEST}`,
])('13-adversary 33: readRunningImage(%j) proves nothing', text => expect(readRunningImage(text).kind).toBe('unclear'))

test('readRunningImage() never throws', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => void readRunningImage(text)))
})
