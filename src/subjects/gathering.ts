import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { type Finding, findingOf } from '../core/verdict.ts'
import type { Examined, FoundImage, Unexamined } from './found.ts'
import { placeText, readImageText, unexamined } from './image-text.ts'
import { SUBJECT_LIMITS } from './limits.ts'
import type { Place } from './place.ts'
import type { YamlSlot } from './yaml.ts'
import { unreadable } from './yaml-text.ts'

/** Collects what one file holds, place by place. */
export class Gathering {
  readonly #images: FoundImage[] = []
  readonly #unexamined: Unexamined[] = []
  readonly #notes: Finding[] = []
  readonly #seen = new Set<string>()

  /** A text at a place of an image: an image, or a place that nobody could examine. */
  image(slot: YamlSlot, place: Place, certain: boolean, text?: string): void {
    const { node } = slot
    if (node.kind !== 'text' || !node.string) this.notText(place)
    else this.#read(text ?? node.text, place, reference => ({ reference, certain, scalar: node.scalar }))
  }

  /** An image put together from several values; it can be judged, not pinned. */
  composed(text: string, place: Place, certain: boolean): void {
    this.#read(text, place, reference => ({ reference, certain }))
  }

  notText(place: Place): void {
    this.unknown(place, unexamined(place, 'what stands there is not text', 'an image in quotes', undefined))
  }

  /** The same place may be reached twice, as a service and as what another one extends; the same sentence is said once. */
  unknown(place: Place, error: WaybillError): void {
    this.#bound(place)
    if (this.#first(place, error.message)) this.#unexamined.push({ place, error })
  }

  /** Something a person should know that does not count. */
  note(place: Place, sentence: string): void {
    this.#bound(place)
    const error = fail('verify/not-looked-at', `${placeText(place)}: ${sentence}`)
    if (this.#first(place, error.message)) this.#notes.push(findingOf(error, placeText(place), 'note'))
  }

  /** An image that was put together from variables: the shell that deploys may have others. */
  interpolated(place: Place, text: string, variables: readonly string[]): void {
    const names = [...new Set(variables)].join(', ')
    const error = fail(
      'verify/interpolated-image',
      `${placeText(place)}: ${printable(text, 200)} depends on ${names}`,
      {
        found: names,
      },
    )
    if (this.#first(place, error.message)) this.remark(findingOf(error, placeText(place), 'note'))
  }

  remark(finding: Finding): void {
    this.#notes.push(finding)
  }

  get empty(): boolean {
    return this.#images.length === 0 && this.#unexamined.length === 0
  }

  result(): Examined {
    return { images: this.#images, unexamined: this.#unexamined, notes: this.#notes }
  }

  #read(text: string, place: Place, found: (reference: FoundImage['reference']) => Partial<FoundImage>): void {
    this.#bound(place)
    try {
      const reference = readImageText(text, place)
      if (this.#first(place, text)) this.#images.push({ place, text, reference, certain: false, ...found(reference) })
    } catch (error) {
      this.unknown(place, asWaybillError(error))
    }
  }

  #first({ file, document, path }: Place, what: string): boolean {
    const key = JSON.stringify([file, document, path, what])
    if (this.#seen.has(key)) return false
    this.#seen.add(key)
    return true
  }

  #bound(place: Place): void {
    const all = this.#images.length + this.#unexamined.length + this.#notes.length
    if (all >= SUBJECT_LIMITS.places)
      throw unreadable(place.file, place.line, `it names more than ${SUBJECT_LIMITS.places} images`)
  }
}
