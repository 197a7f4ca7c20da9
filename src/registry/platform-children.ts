import { isAttestation } from './image.ts'
import { type Descriptor, DOCKER_LIST, formatPlatform, type ImageIndex, OCI_INDEX } from './manifest.ts'

/**
 * The manifests of an index that a builder may take for a platform: all of the one variant it prefers, in the index's order
 * (the first is the one that it takes), and behind them entries that name no platform, into which some builders look.
 *
 * As containerd matches, within one architecture: `arm/v7` falls back to `arm/v6`, `amd64/v3` to `amd64`. Where containerd would
 * go on to another architecture (`arm64` to `arm`, `amd64` to `386`) nothing is found here: whoever asked for one architecture
 * does not want another in silence. BuildKit's attestation manifests are nobody's platform.
 * @param platform `os/arch[/variant]`, in any spelling that builders take.
 * @returns empty: the index has nothing for it.
 */
export function childrenFor({ manifests }: ImageIndex, platform: string): readonly Descriptor[] {
  const images = manifests.filter(entry => !isAttestation(entry))
  const named = images.filter(entry => entry.platform !== undefined)
  for (const wanted of fallbacks(normalPlatform(platform))) {
    const found = named.filter(entry => entry.platform && normalPlatform(formatPlatform(entry.platform)) === wanted)
    if (found.length > 0) return [...found, ...images.filter(entry => entry.platform === undefined)]
  }
  return images.filter(entry => entry.platform === undefined)
}

/**
 * All that a builder might take from an index that it is let have whole: every manifest of Linux or of no system, whatever its
 * architecture. A builder elsewhere has a platform of its own, programs differ in which spellings mean one platform (`v8.0`,
 * `armel`, no system at all), and of an index nobody can take a part away.
 * Source: containerd `platforms` `normalizeOS`, `normalizeArch`, `platformVector`.
 */
export function reachableIn({ manifests }: ImageIndex): readonly Descriptor[] {
  return manifests.filter(entry => {
    const os = entry.platform?.os.toLowerCase() ?? ''
    return !isAttestation(entry) && (os === '' || os === 'linux')
  })
}

/** True for an index inside an index: builders differ in what they take from one. */
export function isNested({ mediaType }: Descriptor): boolean {
  return mediaType === OCI_INDEX || mediaType === DOCKER_LIST
}

/** The platforms of an index in words, for messages. */
export function platformsOf({ manifests }: ImageIndex): readonly string[] {
  const images = manifests.filter(entry => !isAttestation(entry))
  return [...new Set(images.map(({ platform }) => (platform === undefined ? 'unknown' : formatPlatform(platform))))]
}

/** One spelling, as containerd's `platforms.Normalize`: `linux/arm64` for `linux/aarch64/v8`, `linux/arm/v7` for `linux/arm`. */
export function normalPlatform(platform: string): string {
  const [os = '', given = '', variant = ''] = platform.toLowerCase().split('/')
  const architecture =
    { x86_64: 'amd64', 'x86-64': 'amd64', aarch64: 'arm64', armhf: 'arm', i386: '386' }[given] ?? given
  const usual = { amd64: 'v1', arm64: 'v8' }[architecture]
  const number = /^[0-9]/.test(variant) ? `v${variant}` : variant
  const kept = architecture === 'arm' ? number || 'v7' : number === usual ? '' : number
  return [os === 'macos' ? 'darwin' : os, architecture, ...(kept === '' ? [] : [kept])].join('/')
}

/** The platform itself, and what it can run besides, best first. */
function fallbacks(platform: string): readonly string[] {
  const [os = '', architecture = '', variant = ''] = platform.split('/')
  const lowest = { amd64: 1, arm64: 8, arm: 5 }[architecture]
  const number = Number(/^v([0-9])$/.exec(variant)?.[1])
  if (lowest === undefined || !(number > lowest)) return [platform]
  const below = Array.from({ length: number - lowest }, (_, i) => `${os}/${architecture}/v${number - 1 - i}`)
  return [platform, ...below.map(normalPlatform)]
}
