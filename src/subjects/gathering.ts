import { fail, type WaybillError } from '../core/error.ts'
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

  unknown(place: Place, error: WaybillError): void {
    this.#bound(place)
    this.#unexamined.push({ place, error })
  }

  /** Something a person should know that does not count. */
  note(place: Place, sentence: string): void {
    this.#bound(place)
    const error = fail('verify/not-looked-at', `${placeText(place)}: ${sentence}`)
    this.#notes.push(findingOf(error, placeText(place), 'note'))
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
      this.#images.push({ place, text, reference, certain: false, ...found(reference) })
    } catch (error) {
      this.#unexamined.push({ place, error: error as WaybillError })
    }
  }

  #bound(place: Place): void {
    const all = this.#images.length + this.#unexamined.length + this.#notes.length
    if (all >= SUBJECT_LIMITS.places)
      throw unreadable(place.file, place.line, `it names more than ${SUBJECT_LIMITS.places} images`)
  }
}
