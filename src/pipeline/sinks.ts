import type { Digest } from '../core/digest.ts'
import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { formatReference } from '../registry/reference.ts'
import type { SinkReceipt } from '../report/receipt.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import type { ServedImage } from './digest-stage.ts'
import { publishLegacy } from './legacy-signatures.ts'
import { errorReceipt } from './run.ts'
import type { Signed } from './sign-stage.ts'
import { statedDigests } from './stated.ts'
import { subjectsOf } from './subjects-of.ts'

/** One place for what was signed. Filling it again adds only what is missing. */
export interface Sink {
  readonly name: SinkReceipt['name']
  readonly place: string
  /** @returns how much was not there before, where that is known. */
  fill(): Promise<number | undefined>
}

export interface FilledSink {
  readonly receipt: SinkReceipt
  /** Ends the run; absent where it filled, and where the place says that it keeps nothing for repositories like this. */
  readonly error?: WaybillError
}

/** Every sink is tried, whatever becomes of the others: what lands has landed, and a repeat adds the rest. */
export function fillSinks(sinks: readonly Sink[]): Promise<readonly FilledSink[]> {
  return Promise.all(sinks.map(fillSink))
}

async function fillSink({ name, place, fill }: Sink): Promise<FilledSink> {
  try {
    const added = await fill()
    return { receipt: { name, place, state: 'passed', ...(added === undefined ? {} : { added }) } }
  } catch (thrown) {
    const error = asWaybillError(thrown)
    const told = { name, place, error: errorReceipt(error) }
    if (error.code === 'github/attestations-unavailable') return { receipt: { ...told, state: 'not-available' } }
    return { receipt: { ...told, state: 'failed' }, error }
  }
}

/** Those of one kind that ended in one state, in the order in which they were asked for. */
export function placesIn(
  sinks: readonly SinkReceipt[],
  name: SinkReceipt['name'],
  state: SinkReceipt['state'],
): readonly SinkReceipt[] {
  return sinks.filter(sink => sink.name === name && sink.state === state)
}

/** How a result names a place that failed: `docker.io/acme/app (registry/unavailable)`. */
export function failedPlace(sink: SinkReceipt): string {
  return `${nameOf(sink)} (${sink.error?.code ?? sink.state})`
}

/** A repository's referrers need no word more than the repository. */
function nameOf({ name, place }: SinkReceipt): string {
  return name === 'registry' ? place : `${name} of ${place}`
}

/**
 * The one error of a stage in which some places failed; undefined when none did. A rejected one is told before unknown ones; where there
 * is one place only, its own error is all there is to say.
 */
export function errorOfSinks(filled: readonly FilledSink[]): WaybillError | undefined {
  const errors = filled.flatMap(({ error }) => error ?? [])
  const error = errors.find(({ kind }) => kind === 'rejected') ?? errors[0]
  if (error === undefined || filled.length === 1) return error
  const receipts = filled.map(({ receipt }) => receipt)
  const places = receipts.filter(({ state }) => state === 'failed').map(failedPlace)
  const stored = receipts.filter(({ state }) => state === 'passed').map(nameOf)
  return fail(error.code, `${error.message}; not published in ${places.join(', ')}`, {
    ...(error.expected === undefined ? {} : { expected: error.expected }),
    found: `${error.found === undefined ? '' : `${error.found}; `}published in ${stored.join(', ') || 'none'}`,
    remedy: `${error.remedy} Then run again: what is published already stays, and is not doubled by the same statements.`,
    cause: error,
  })
}

/** The places that inputs asked for besides the registries' referrers. */
export function furtherSinks(
  request: AttestRequest,
  ports: AttestPorts,
  { image, signed }: { readonly image: ServedImage; readonly signed: Signed },
): readonly Sink[] {
  const { legacy } = signed
  const { attestationStore: store } = ports
  const the = legacy && { subjects: subjectsOf(image), bundles: signed.bundles, legacy }
  const tags = image.repositories.map((repository): Sink | undefined => {
    const place = formatReference(repository)
    return the && { name: 'legacy-signatures', place, fill: () => publishLegacy(ports, repository, the) }
  })
  const stored: Sink | undefined =
    request.githubAttestations === true && store !== undefined
      ? {
          name: 'github-attestations',
          place: store.repository,
          fill: () => store.add(image.descriptor.digest, aboutImage(image, signed)),
        }
      : undefined
  return [...tags, stored].filter(sink => sink !== undefined)
}

/** Bundles whose statement names the image or one of its platforms; the store finds by the digest of an artifact only. */
function aboutImage(image: ServedImage, { bundles }: Signed): readonly Uint8Array[] {
  const digests: readonly Digest[] = subjectsOf(image).map(({ digest }) => digest)
  return bundles
    .filter(({ bytes }) => digests.some(digest => statedDigests(bytes).has(digest)))
    .map(({ bytes }) => bytes)
}

/**
 * The runner's list of what a job made. No input asks for it, so that it cannot be written is told and ends nothing.
 * @returns undefined where the runner keeps no such list.
 */
export async function announce(ports: AttestPorts, image: ServedImage): Promise<SinkReceipt | undefined> {
  const { artifacts } = ports
  if (artifacts === undefined) return undefined
  const names = image.repositories.map(repository =>
    formatReference({ ...repository, digest: image.descriptor.digest }),
  )
  const { receipt } = await fillSink({
    name: 'github-artifacts',
    place: artifacts.file,
    fill: () => artifacts.add(names),
  })
  return receipt
}
