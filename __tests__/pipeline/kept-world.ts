import { utf8 } from '../../src/core/bytes.ts'
import { type Digest, sha256 } from '../../src/core/digest.ts'
import { fail } from '../../src/core/error.ts'
import { findingOf } from '../../src/core/verdict.ts'
import type { Kept } from '../../src/pipeline/kept.ts'

const json = (value: unknown) => utf8(JSON.stringify(value))
const OCI = 'application/vnd.oci.image'

export const CHILD = sha256('the manifest of linux/amd64')
export const OTHER_CHILD = sha256('the manifest of linux/arm64')
export const ATTESTATION = sha256('what BuildKit says of it')

const entry = (digest: Digest, more: object = {}) => ({
  mediaType: `${OCI}.manifest.v1+json`,
  digest,
  size: 7,
  ...more,
})

/** Two platforms and an attestation of BuildKit, which is none. */
export const INDEX_BYTES = json({
  schemaVersion: 2,
  mediaType: `${OCI}.index.v1+json`,
  manifests: [
    entry(CHILD),
    entry(OTHER_CHILD),
    entry(ATTESTATION, {
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
    }),
  ],
})
export const INDEX = sha256(INDEX_BYTES)

/** An index that lists another index. */
export const NESTED_BYTES = json({
  schemaVersion: 2,
  mediaType: `${OCI}.index.v1+json`,
  manifests: [{ mediaType: `${OCI}.index.v1+json`, digest: INDEX, size: INDEX_BYTES.byteLength }],
})
export const NESTED = sha256(NESTED_BYTES)

export const PLACE = 'ghcr.io/acme/app'
export const NAME = `${PLACE}:v1`
export const BUNDLE = utf8('{"a bundle": "of any bytes"}')
export const POLICY = new Map([
  ['.github/waybill.yml', utf8('version: 1\n')],
  ['.github/keys/alice.pub', utf8('ssh-ed25519 AAAA\n')],
])
export const ROOT = utf8('{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}')

/** An image of two platforms, one bundle, one signature of cosign 2, a policy with a key file, one root. */
export const KEPT: Kept = {
  time: new Date('2026-05-02T10:05:00.000Z'),
  subjects: [
    { name: NAME, kind: 'image', digest: INDEX, platforms: [CHILD, OTHER_CHILD], parents: [] },
    { name: `${PLACE}@${CHILD}`, kind: 'image', digest: CHILD, platforms: [], parents: [INDEX] },
  ],
  fetched: [
    {
      place: PLACE,
      digest: INDEX,
      fetched: {
        bundles: [{ bytes: BUNDLE, manifest: sha256('a referrer') }],
        legacy: [
          {
            form: 'signature',
            payload: utf8('{"critical": {}}'),
            annotations: { 'dev.cosignproject.cosign/signature': 'MEQ=', 'a.first': 'x' },
            manifest: sha256('the manifest of .sig'),
          },
        ],
        complete: true,
        skipped: [findingOf(fail('registry/bundle-skipped', 'Another kind of artifact'), INDEX, 'note')],
      },
    },
    { place: PLACE, digest: CHILD, fetched: { bundles: [], complete: false, skipped: [] } },
  ],
  indexes: new Map([
    [INDEX, INDEX_BYTES],
    [NESTED, NESTED_BYTES],
  ]),
  trustedRoots: [{ name: 'public-good', bytes: ROOT }],
  policy: { path: '.github/waybill.yml', files: POLICY },
}
