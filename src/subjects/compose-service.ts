import { printable } from '../core/text.ts'
import {
  type ComposeValue,
  entryOf,
  itemsOf,
  type Layer,
  placeOf,
  type Service,
  textOf,
  valuesAt,
} from './compose-layer.ts'
import type { Gathering } from './gathering.ts'
import { unexamined } from './image-text.ts'
import { keyPath } from './json-path.ts'
import { ManifestWalk } from './manifest-walk.ts'

/** Keys of a service whose places of images are known, or that hold words of people and programs. */
const EXPLAINED = new Set([
  ...['image', 'build', 'provider', 'volumes', 'pre_start', 'extends', 'models'],
  ...['environment', 'labels', 'annotations', 'command', 'entrypoint'],
])

/** Every image that a service starts, mounts or runs before it starts. compose-spec 05-services */
export function examineService({ value, layers }: Service, found: Gathering): void {
  const image = valuesAt(layers, 'image').at(-1)
  if (image !== undefined) composeImage(image, found)
  const elsewhere = builtOrProvided(layers, found)
  if (image === undefined && !elsewhere) unknown(value, found, 'a service without an image', 'image: …')
  for (const volumes of valuesAt(layers, 'volumes')) for (const volume of itemsOf(volumes)) imageVolume(volume, found)
  for (const hooks of valuesAt(layers, 'pre_start')) for (const hook of itemsOf(hooks)) beforeStart(hook, found)
  for (const variables of valuesAt(layers, 'environment')) environment(variables, found)
  for (const layer of layers) others(layer, found)
}

/** An artifact of a registry like any other. compose-spec models § model */
export function examineModel({ value, layers }: Service, found: Gathering): void {
  const model = valuesAt(layers, 'model').at(-1)
  if (model === undefined) unknown(value, found, 'a model without a name', 'model: …')
  else composeImage(model, found)
}

/**
 * `build` makes an image on the machine that deploys, whatever `image` and `pull_policy` say: with `always`, too, compose builds
 * when it cannot pull. compose-spec build § Using build and image
 */
function builtOrProvided(layers: readonly Layer[], found: Gathering): boolean {
  const build = valuesAt(layers, 'build').at(-1)
  const provider = valuesAt(layers, 'provider').at(-1)
  if (build !== undefined)
    unknown(build, found, 'the image may be built where it is deployed', 'an image that is only pulled', RESET_BUILD)
  if (provider !== undefined) unknown(provider, found, 'another program starts this service', 'a service with an image')
  return build !== undefined || provider !== undefined
}

const RESET_BUILD =
  'Build and publish before. Then take build away in a second file and verify both: services: {NAME: {build: !reset null}}'

/** `type: image` mounts what `source` names. compose-spec 05-services § volumes, Long syntax */
function imageVolume(volume: ComposeValue, found: Gathering): void {
  const type = entryOf(volume, 'type')
  if (type === undefined) return
  const text = textOf(type)
  if (text?.kind !== 'text')
    unknown(type, found, text?.why ?? 'what stands there is not text', 'image, volume, bind, …')
  else if (text.text === 'image') {
    const source = entryOf(volume, 'source')
    if (source === undefined) unknown(volume, found, 'an image volume without a source', 'source: …')
    else composeImage(source, found)
  }
}

/** Each step runs in a container of its own; without an image it is the service's. compose-spec 05-services § pre_start */
function beforeStart(hook: ComposeValue, found: Gathering): void {
  const image = entryOf(hook, 'image')
  if (image !== undefined) composeImage(image, found)
}

function composeImage(value: ComposeValue, found: Gathering): void {
  const place = placeOf(value)
  const text = textOf(value)
  if (text === undefined) found.notText(place)
  else if (text.kind === 'unresolved') {
    const { node } = value.slot
    const shown = node.kind === 'text' ? printable(node.text, 200) : undefined
    found.unknown(place, unexamined(place, text.why, 'variables that are known here', shown, GIVE_VARIABLE))
  } else {
    found.image(value.slot, place, true, text.text)
    if (text.variables.length > 0) found.interpolated(place, text.text, text.variables)
  }
}

const GIVE_VARIABLE =
  'Set the variable in the .env file beside the compose file, or give the gate the value that is deployed.'

/** Variables are read by programs that may start containers of their own; which ones, only they know. */
function environment(value: ComposeValue, found: Gathering): void {
  const texts =
    value.slot.node.kind === 'map'
      ? [...value.slot.node.entries].map(([name, { node }]) => [name, node] as const)
      : itemsOf(value).map(
          ({ slot: { node } }) => [node.kind === 'text' ? (node.text.split('=')[0] ?? '') : '', node] as const,
        )
  for (const [name, node] of texts)
    if (/image/i.test(name) && node.kind === 'text' && /[/:@]/.test(node.text))
      found.note(placeOf(value), `the variable ${printable(name, 60)} may name an image; variables are not looked at`)
}

/** Keys that this version does not know are walked like those of a custom resource. */
function others({ map, path, source }: Layer, found: Gathering): void {
  const walk = new ManifestWalk(found, source)
  for (const [key, slot] of map.entries)
    if (!EXPLAINED.has(key) && !key.startsWith('x-') && slot.node.tag !== '!reset')
      walk.walk(slot, keyPath(path, key), key)
}

function unknown(value: ComposeValue, found: Gathering, sentence: string, expected: string, remedy?: string): void {
  const place = placeOf(value)
  found.unknown(place, unexamined(place, sentence, expected, undefined, remedy))
}
