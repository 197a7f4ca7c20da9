import { type Digest, sha256 } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import { printable } from '../core/text.ts'
import type { Verified } from '../core/verified.ts'
import type { StateFolder } from '../io/state-folder.ts'
import { type Difference, differenceOf, foreignSigner, type OwnSigner } from '../policy/same-attestation.ts'
import { fetchBundles, type ReadBundles } from '../registry/bundles.ts'
import type { Repository } from '../registry/reference.ts'
import type { SignedStatement, Statement } from '../statements/statement.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import { ownSigner } from './own-signer.ts'
import { claimsOf, type Ready } from './preflight.ts'
import type { VerifyBundle } from './verify-request.ts'

/** A bundle that passed the gate's own verification. */
export interface EarlierBundle {
  readonly bytes: Uint8Array
  readonly signed: Verified<SignedStatement>
  /** Where it was found, in words. */
  readonly place: string
}

const WHY: Readonly<Record<Difference, string>> = {
  signer: 'somebody else signed it',
  run: 'another run, or a later attempt, signed it',
  form: 'it is no timestamped statement',
  type: 'it says something else',
  subjects: 'it is about something else',
  predicate: 'it says something else',
}

/**
 * What earlier attempts of this run may have signed already (6-sign-and-publish § 1, "The same attestation"): on disk, and beside
 * the image in every repository. Everything passes the gate's own verification or is ignored, and said so (13-adversary 24).
 */
export class EarlierBundles {
  readonly own: OwnSigner | undefined
  /** A first attempt that finds nothing on disk: what is asked of services need not wait for what is found. */
  readonly first: Promise<boolean>
  readonly #ports: AttestPorts
  readonly #repositories: readonly Repository[]
  /** Of this run, from 1; 0 where nothing is signed. */
  readonly attempt: bigint
  readonly #state: Promise<StateFolder>
  readonly #found = new Map<Digest, EarlierBundle>()
  readonly #used = new Set<Digest>()
  readonly #ignored = new Map<string, string>()
  /** Signatures for tags: over bytes that only who would make them again knows. */
  readonly #forTags: { readonly bytes: Uint8Array; readonly place: string }[] = []
  readonly #read: ReadonlyMap<Repository, ReadBundles>
  #looking: Promise<void>

  constructor(request: AttestRequest, ports: AttestPorts, ready: Ready) {
    this.own = request.sign && !request.imageless ? ownSigner(request, ready) : undefined
    this.#ports = ports
    this.#repositories = request.repositories
    this.attempt = BigInt(claimsOf(ready)?.run_attempt ?? 0)
    this.#read = new Map(request.repositories.map(repository => [repository, new Map()]))
    this.#state = this.own === undefined ? Promise.resolve({ files: [], ignored: [] }) : ports.state()
    this.first = this.#state.then(({ files }) => this.attempt === 1n && files.length === 0)
    this.#looking = this.#lookAtDisk()
    this.#looking.catch(() => {})
  }

  /** True from the second attempt on: something may have been signed of which this machine knows nothing. */
  get again(): boolean {
    return this.attempt > 1n
  }

  /** Begins to read what is attached to these, in every repository; `find` waits for it. */
  lookBeside(subjects: readonly Digest[]): void {
    if (this.own === undefined) return
    const places = this.#repositories.flatMap(repository => subjects.map(subject => ({ repository, subject })))
    const before = this.#looking
    const looking = Promise.all(places.map(place => this.#lookAtRegistry(place))).then(() => before)
    looking.catch(() => {})
    this.#looking = looking
  }

  /** Those of this run that were found so far, whatever they say. */
  async ofThisRun(): Promise<readonly EarlierBundle[]> {
    await this.#looking
    const { own } = this
    if (own === undefined) return []
    return [...this.#found.values()].filter(({ signed }) => foreignSigner(signed.signer, own) === undefined)
  }

  /** What earlier attempts may have signed for tags: bytes that nobody looked at yet. */
  async forTags(): Promise<readonly { readonly bytes: Uint8Array; readonly place: string }[]> {
    if (this.own === undefined) return []
    await this.#looking
    return this.#forTags
  }

  /** Bundles that were found in some other way: verified like all others. */
  async take(bundles: readonly Uint8Array[], place: string): Promise<void> {
    if (this.own === undefined || bundles.length === 0) return
    const verify = await this.#ports.verifier()
    for (const bytes of bundles) this.#take(bytes, place, verify)
  }

  /** The earliest that says what would be signed. */
  async find(wanted: Statement): Promise<EarlierBundle | undefined> {
    await this.#looking
    const { own } = this
    if (own === undefined) return undefined
    const same = [...this.#found.values()].filter(({ signed }) => differenceOf(signed, wanted, own) === undefined)
    const [chosen] = same.sort((a, b) => timeOf(a) - timeOf(b) || (a.signed.bundle < b.signed.bundle ? -1 : 1))
    // Two that say the same are two signatures of an attempt that was cut: neither is foreign.
    for (const { signed } of same) this.#used.add(signed.bundle)
    return chosen
  }

  /** What was found and not used, with the reason: somebody may have planted it. One sentence for each place. */
  notices(wanted: readonly Statement[]): readonly string[] {
    const unused = [...this.#found.values()].filter(({ signed }) => !this.#used.has(signed.bundle))
    const reasons = new Map([
      ...this.#ignored,
      ...unused.map(bundle => [nameOf(bundle), this.#why(bundle, wanted)] as const),
    ])
    if (reasons.size === 0) return []
    const told = [...reasons].slice(0, MOST_TOLD).map(([name, why]) => `${name} (${why})`)
    const more = reasons.size > MOST_TOLD ? ` and ${reasons.size - MOST_TOLD} more` : ''
    return [`Found and ignored, because it is not what this run would sign: ${told.join(', ')}${more}.`]
  }

  #why({ signed }: EarlierBundle, wanted: readonly Statement[]): string {
    const { own } = this
    if (own === undefined) return WHY.signer
    const like = wanted.find(({ predicateType }) => predicateType === signed.statement.predicateType)
    return WHY[
      (like === undefined ? foreignSigner(signed.signer, own) : differenceOf(signed, like, own)) ?? 'predicate'
    ]
  }

  async #lookAtDisk(): Promise<void> {
    const { files, ignored } = await this.#state
    for (const { name, why } of ignored) this.#ignored.set(printable(name), printable(why))
    if (files.length === 0) return
    const verify = await this.#ports.verifier()
    for (const { name, bytes, place = `on disk as ${printable(name)}` } of files)
      if (name.startsWith(`${LEGACY_FOLDER}/`)) this.#forTags.push({ bytes, place })
      else this.#take(bytes, place, verify)
  }

  async #lookAtRegistry({ repository, subject }: { repository: Repository; subject: Digest }): Promise<void> {
    const place = `in ${repository.host}/${repository.repository}`
    try {
      const read = this.#read.get(repository) ?? new Map()
      const { bundles, complete, skipped } = await fetchBundles(this.#ports.registry, repository, subject, { read })
      for (const { subject: name, message } of skipped)
        this.#ignored.set(`${printable(name)} ${place}`, printable(message))
      if (!complete) this.#ignored.set(`a part of what is attached ${place}`, 'it could not be read')
      if (bundles.length === 0) return
      const verify = await this.#ports.verifier()
      for (const { bytes } of bundles) this.#take(bytes, place, verify)
    } catch (error) {
      // Then it is signed again; whether the registry takes it is for the stage that publishes.
      this.#ignored.set(
        `what is attached ${place}`,
        `it could not be read: ${printable(asWaybillError(error).message)}`,
      )
    }
  }

  #take(bytes: Uint8Array, place: string, verify: VerifyBundle): void {
    const digest = sha256(bytes)
    if (this.#found.has(digest)) return
    try {
      this.#found.set(digest, { bytes, signed: verify(bytes), place })
    } catch (error) {
      const { code } = asWaybillError(error)
      this.#ignored.set(`${digest} ${place}`, `it does not verify: ${code}`)
    }
  }
}

/** Below the folder of the bundles: signatures for tags as cosign ≤ 2 reads them. */
export const LEGACY_FOLDER = 'legacy'

/** Reasons shown one by one; an image that is built again and again has many attestations of other runs. */
const MOST_TOLD = 5

function nameOf({ signed, place }: EarlierBundle): string {
  return `${signed.bundle} ${place}`
}

function timeOf({ signed }: EarlierBundle): number {
  return signed.signedAt?.getTime() ?? Number.POSITIVE_INFINITY
}
