import { sha256 } from '../../src/core/digest.ts'
import { type ImageIndex, OCI_INDEX, OCI_MANIFEST } from '../../src/registry/manifest.ts'
import { childrenFor, normalPlatform, platformsOf } from '../../src/registry/platform-children.ts'

function index(...platforms: readonly (string | undefined)[]): ImageIndex {
  const manifests = platforms.map((text, at) => {
    const [os = '', architecture = '', variant] = text?.split('/') ?? []
    const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) }
    return { mediaType: OCI_MANIFEST, digest: sha256(`${at}`), size: 1, ...(text === undefined ? {} : { platform }) }
  })
  return { kind: 'index', mediaType: OCI_INDEX, annotations: {}, manifests }
}

const found = (of: ImageIndex, platform: string) => {
  const entries = childrenFor(of, platform)
  return entries.map(entry => of.manifests.indexOf(entry))
}

test.each([
  ['linux/arm64', 'linux/arm64'],
  ['linux/arm64/v8', 'linux/arm64'],
  ['linux/aarch64', 'linux/arm64'],
  ['Linux/AMD64', 'linux/amd64'],
  ['linux/amd64/v1', 'linux/amd64'],
  ['linux/amd64/v3', 'linux/amd64/v3'],
  ['linux/arm', 'linux/arm/v7'],
  ['linux/arm/7', 'linux/arm/v7'],
])('%s is %s', (given, expected) => {
  expect(normalPlatform(given)).toBe(expected)
})

test.each<readonly [string, readonly (string | undefined)[], string, readonly number[]]>([
  ['the platform itself', ['linux/arm64', 'linux/amd64'], 'linux/amd64', [1]],
  ['in another spelling', ['linux/arm64/v8'], 'linux/arm64', [0]],
  ['a smaller variant', ['linux/arm/v5', 'linux/arm/v6'], 'linux/arm/v7', [1]],
  ['the plain one for a variant', ['linux/amd64'], 'linux/amd64/v3', [0]],
  ['every one of a platform', ['linux/amd64', 'linux/amd64/v1'], 'linux/amd64', [0, 1]],
  ['and what names none', [undefined, 'linux/amd64'], 'linux/amd64', [1, 0]],
  ['no larger variant', ['linux/amd64/v3'], 'linux/amd64', []],
  ['no other architecture', ['linux/arm/v7', 'linux/386'], 'linux/arm64', []],
  ['no other system', ['windows/amd64'], 'linux/amd64', []],
])('childrenFor() finds %s', (_what, platforms, platform, expected) => {
  expect(found(index(...platforms), platform)).toEqual(expected)
})

test('attestation manifests of BuildKit are nobody’s platform', () => {
  const attestation = {
    mediaType: OCI_MANIFEST,
    digest: sha256('attestation'),
    size: 1,
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
  }
  const of = { ...index('linux/amd64', undefined), manifests: [...index('linux/amd64').manifests, attestation] }
  expect(found(of, 'unknown/unknown')).toEqual([])
  expect(platformsOf(of)).toEqual(['linux/amd64'])
})
