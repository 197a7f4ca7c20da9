import { type Digest, sha256 } from '../../src/core/digest.ts'
import { asWaybillError } from '../../src/core/error.ts'
import type { ContentReader } from '../../src/registry/bundle-manifest.ts'
import { OCI_INDEX, OCI_MANIFEST, parseManifest } from '../../src/registry/manifest.ts'
import { parseReference } from '../../src/registry/reference.ts'
import { type RunningAs, runningManifest } from '../../src/registry/running.ts'

interface Served {
  readonly digest: Digest
  readonly bytes: Uint8Array
  readonly mediaType: string
}

const CONFIG = 'application/vnd.oci.image.config.v1+json'

function served(mediaType: string, body: object): Served {
  const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType, ...body }))
  return { digest: sha256(bytes), bytes, mediaType }
}

const image = (config: string) =>
  served(OCI_MANIFEST, { config: { mediaType: CONFIG, digest: sha256(config), size: 2 }, layers: [] })

function index(...entries: readonly (readonly [Served, object])[]): Served {
  const manifests = entries.map(([{ digest, bytes, mediaType }, more]) => {
    return { mediaType, digest, size: bytes.byteLength, ...more }
  })
  return served(OCI_INDEX, { manifests })
}

const [amd64, arm64, attestation, stranger] = [image('amd64'), image('arm64'), image('attestation'), image('stranger')]
const ATTESTATION = {
  platform: { os: 'unknown', architecture: 'unknown' },
  annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
}
const app = index(
  [amd64, { platform: { os: 'linux', architecture: 'amd64' } }],
  [arm64, { platform: { os: 'linux', architecture: 'arm64' } }],
  [attestation, ATTESTATION],
)
const HELD = [amd64, arm64, attestation, stranger, app]

const reader = {
  getRaw: async (_repository: unknown, place: string) =>
    place === 'v1' ? app : HELD.find(({ digest }) => digest === place),
  getManifest: async (_repository: unknown, digest: Digest) => {
    const { bytes, mediaType } = HELD.find(item => item.digest === digest) ?? app
    return {
      bytes,
      manifest: parseManifest(bytes, mediaType),
      descriptor: { mediaType, digest, size: bytes.byteLength },
    }
  },
} as unknown as ContentReader

async function found(text: string, running: RunningAs): Promise<unknown> {
  try {
    return await runningManifest(reader, parseReference(text), running)
  } catch (error) {
    return asWaybillError(error).code
  }
}

const APP = 'ghcr.io/acme/app'

test.each<[string, string, RunningAs, unknown]>([
  [
    'a platform of the specified index',
    `${APP}@${arm64.digest}`,
    { specified: app.digest },
    { digest: arm64.digest, parents: [app.digest] },
  ],
  ['another image', `${APP}@${stranger.digest}`, { specified: app.digest }, 'verify/drift'],
  ['an attestation of the specified index', `${APP}@${attestation.digest}`, { specified: app.digest }, 'verify/drift'],
  ['the index of the specified platform', `${APP}@${app.digest}`, { specified: amd64.digest }, 'verify/drift'],
  [
    'what the registry does not hold',
    `${APP}@${amd64.digest}`,
    { specified: sha256('gone') },
    'verify/image-id-unclear',
  ],
  [
    'the configuration of a platform of a tag',
    `${APP}:v1`,
    { config: sha256('arm64') },
    { digest: arm64.digest, parents: [app.digest] },
  ],
  [
    'the configuration of a specified image',
    APP,
    { config: sha256('amd64'), specified: amd64.digest },
    { digest: amd64.digest, parents: [] },
  ],
  ['another configuration than specified', APP, { config: sha256('stranger'), specified: app.digest }, 'verify/drift'],
  ['the configuration of an attestation', `${APP}:v1`, { config: sha256('attestation') }, 'verify/image-id-unclear'],
  ['a configuration the tag does not lead to', `${APP}:v1`, { config: sha256('old') }, 'verify/image-id-unclear'],
  ['a configuration of a tag that is gone', `${APP}:v0`, { config: sha256('amd64') }, 'verify/image-id-unclear'],
])('13-adversary 33: a node runs %s', async (_what, text, running, expected) => {
  expect(await found(text, running)).toEqual(expected)
})
