import type { YamlMap, YamlSlot } from './yaml.ts'

/**
 * Keys whose text is an image wherever they stand: `image`, `imageRef`, `imageName`, and everything that ends in `image`
 * (`baseImage`, `sidecar.istio.io/proxyImage`). Readers of custom resources are not all strict about upper and lower case.
 */
export function isImageKey(key: string): boolean {
  return /image(?:ref|reference|name)?$/i.test(key)
}

/** `images: [a, b]` and `images: {proxy: a}`. */
export function isImageList(key: string): boolean {
  return /^images$/i.test(key)
}

const LABELS = new Set(['labels', 'matchLabels', 'nodeSelector', 'commonLabels'])

/** Labels select and name no image: their values have neither slash nor colon. A map of that name with others is none. */
export function isLabels(key: string, { node }: YamlSlot): boolean {
  if (!LABELS.has(key) || node.kind !== 'map') return false
  return [...node.entries.values()].every(value => value.node.kind === 'text' && !/[/:@]/.test(value.node.text))
}

export type ComposedImage =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'image'; readonly text: string }
  | { readonly kind: 'unclear'; readonly why: string }

/**
 * The image that `{registry?, repository | name, tag?, digest?}` means. Without tag and digest the tag comes from elsewhere
 * (a chart's appVersion), so the image is not known.
 */
export function composedImage(map: YamlMap): ComposedImage {
  const repository = map.entries.has('repository') ? 'repository' : 'name'
  const given = ['registry', repository, 'tag', 'digest'].filter(key => isGiven(map, key))
  if (!given.includes(repository)) return { kind: 'nothing' }
  // `image: {name: x}` alone is somebody's name for something; with a tag beside it, it is an image.
  if (repository === 'name' && !given.includes('tag') && !given.includes('digest')) return { kind: 'nothing' }
  const texts = new Map(given.map(key => [key, stringAt(map, key)]))
  const odd = given.find(key => texts.get(key) === undefined)
  if (odd !== undefined)
    return { kind: 'unclear', why: `${odd} is not text; numbers such as 1.10 lose their last digit` }
  const [registry, tag, digest] = ['registry', 'tag', 'digest'].map(key => texts.get(key))
  if (tag === undefined && digest === undefined)
    return { kind: 'unclear', why: 'neither tag nor digest, so which image it means is decided elsewhere' }
  const name = `${registry === undefined ? '' : `${registry}/`}${texts.get(repository)}`
  return {
    kind: 'image',
    text: `${name}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`,
  }
}

/** Something stands there: `tag: ""` and `digest:` are charts' way of writing nothing. */
function isGiven(map: YamlMap, key: string): boolean {
  const node = map.entries.get(key)?.node
  return node !== undefined && !(node.kind === 'text' && /^(?:|~|null)$/i.test(node.text))
}

function stringAt(map: YamlMap, key: string): string | undefined {
  const node = map.entries.get(key)?.node
  return node?.kind === 'text' && node.string ? node.text : undefined
}
