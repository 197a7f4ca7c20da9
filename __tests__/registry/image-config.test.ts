import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import type { ContentReader } from '../../src/registry/bundle-manifest.ts'
import { readBuildConfig } from '../../src/registry/image-config.ts'
import { type ImageManifest, OCI_MANIFEST } from '../../src/registry/manifest.ts'
import { codeOf } from './support.ts'

const REPOSITORY = { host: 'ghcr.io', repository: 'acme/base' }

function read(text: string, size = utf8(text).byteLength) {
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: sha256(text), size }
  const manifest: ImageManifest = { kind: 'image', mediaType: OCI_MANIFEST, annotations: {}, config, layers: [] }
  const none = () => Promise.reject(new Error('not asked'))
  const reader: ContentReader = { getManifest: none, getRaw: none, blobExists: none, getBlob: async () => utf8(text) }
  return readBuildConfig(reader, REPOSITORY, manifest)
}

test.each([
  ['{"config":{"Env":["A=1"],"OnBuild":["RUN true"]}}', { Env: ['A=1'], OnBuild: ['RUN true'] }],
  ['{"config":{"Env":null,"OnBuild":null}}', { Env: [], OnBuild: [] }],
  ['{"config":{"Labels":{"env":"a","ENV":"b"},"Env":["A=1"]}}', { Env: ['A=1'], OnBuild: [] }],
  ['{"config":null}', { Env: [], OnBuild: [] }],
  ['{"architecture":"amd64"}', { Env: [], OnBuild: [] }],
])('readBuildConfig() of %s', async (text, expected) => {
  expect(await read(text)).toEqual(expected)
})

test.each([
  ['no JSON', 'ONBUILD'],
  ['another kind of OnBuild', '{"config":{"OnBuild":"COPY --from=evil / /"}}'],
  ['OnBuild of other things', '{"config":{"OnBuild":[{"COPY":"evil"}]}}'],
  ['one key twice', '{"config":{"OnBuild":[]},"config":{"OnBuild":["COPY --from=evil / /"]}}'],
  ['13-adversary 21: triggers in other letters', '{"config":{"ONBUILD":["COPY --from=evil / /"],"OnBuild":[]}}'],
  ['13-adversary 21: a config in other letters', '{"config":{},"Config":{"OnBuild":["COPY --from=evil / /"]}}'],
  ['too many triggers', JSON.stringify({ config: { OnBuild: Array(501).fill('RUN true') } })],
])('readBuildConfig() refuses %s', async (_what, text) => {
  expect(await codeOf(read(text))).toBe('registry/config-malformed')
})

test('readBuildConfig() does not fetch what says that it is larger than a config may be', async () => {
  expect(await codeOf(read('{}', 1024 ** 3))).toBe('registry/config-malformed')
})
