import type { CommitId } from '../core/digest.ts'
import { asWaybillError, fail, WaybillError } from '../core/error.ts'
import { type CommitFacts, isMalformed, isRefused, type JudgedCommit } from '../core/facts.ts'
import { inParallel } from '../core/parallel.ts'
import { causeText } from '../policy/bench.ts'
import type { Law } from '../policy/law.ts'
import { claimedPlatformKey, claimsPlatformKey, platformKeysOf } from '../policy/platform.ts'
import { type ParsedCommit, parseCommit } from '../source/commit.ts'
import type { History } from '../source/git.ts'
import { type Authorities, type Keyring, loadKeyring } from '../source/keyring.ts'
import { type CheckMany, checkMany } from '../source/verify-many.ts'
import type { PlatformAnswers } from './source-platform.ts'

/** Commits checked together. */
const CHUNK = 32
/** Of these so many at a time: while signatures are checked on other threads, the next commits are read. */
const CHUNKS = 4

/** Reads commits and checks their signatures with the keys of a law. */
export class SourceFacts {
  readonly #history: History
  readonly #platform: PlatformAnswers
  readonly #sigstoreTrust: Authorities['sigstoreTrust']
  readonly #checkMany: CheckMany
  readonly #keyrings = new Map<Law, Promise<Keyring>>()
  /** What `#withPlatformKeys` came to, for each law that needed it. */
  readonly #completed = new Map<Law, Promise<Keyring | WaybillError>>()

  /** @param check of signatures, in the place of Waybill's own engine alone. */
  constructor(
    history: History,
    platform: PlatformAnswers,
    sigstoreTrust?: Authorities['sigstoreTrust'],
    check: CheckMany = checkMany,
  ) {
    this.#history = history
    this.#checkMany = check
    this.#sigstoreTrust = sigstoreTrust
    this.#platform = platform
  }

  /** The keys and root certificates a law names, parsed once. @throws `source/key-unreadable`, `source/root-unreadable` */
  keyring(law: Law): Promise<Keyring> {
    const known = this.#keyrings.get(law)
    if (known !== undefined) return known
    const loading = loadKeyring(law.keyFiles, law.x509Roots, this.#sigstoreTrust)
    this.#keyrings.set(law, loading)
    return loading
  }

  /**
   * @param askPlatform whether a signature that names a key of the platform is worth asking for that key.
   * @returns facts in the order asked. @throws what reading throws.
   */
  async of(ids: readonly CommitId[], law: Law, askPlatform: boolean): Promise<readonly JudgedCommit[]> {
    const places = Array.from({ length: Math.ceil(ids.length / CHUNK) }, (_, at) => at * CHUNK)
    const chunks = await inParallel(places, CHUNKS, at => this.#some(ids.slice(at, at + CHUNK), law, askPlatform))
    return chunks.flat()
  }

  async #some(ids: readonly CommitId[], law: Law, askPlatform: boolean): Promise<readonly JudgedCommit[]> {
    const commits = await Promise.all(ids.map(async id => parseCommit(id, await this.#history.commit(id))))
    const parsed = commits.filter((commit): commit is ParsedCommit => !isMalformed(commit))
    const checked = (await this.#check(parsed, law, askPlatform))[Symbol.iterator]()
    return commits.map(commit => (isMalformed(commit) ? commit : next(checked)))
  }

  async #check(parsed: readonly ParsedCommit[], law: Law, askPlatform: boolean): Promise<readonly CommitFacts[]> {
    const first = await this.#checkMany(parsed, await this.keyring(law))
    const open = askPlatform ? parsed.filter((_, at) => needsPlatformKey(first[at], law)) : []
    if (open.length === 0) return first
    const keyring = await this.#withPlatformKeys(law)
    const again = keyring instanceof WaybillError ? [] : await this.#checkMany(open, keyring)
    const byId = new Map(again.map(facts => [facts.id, facts]))
    return first.map(facts => {
      if (!needsPlatformKey(facts, law)) return facts
      const second = byId.get(facts.id)
      if (second !== undefined && !needsPlatformKey(second, law)) return second
      return unjudged(facts, law, keyring instanceof WaybillError ? causeText(keyring) : 'it publishes other keys')
    })
  }

  /** The law's keys and those of the platform's own that are pinned: what it publishes beside them has no say. */
  #withPlatformKeys(law: Law): Promise<Keyring | WaybillError> {
    const known = this.#completed.get(law)
    if (known !== undefined) return known
    const loading = this.#completeKeys(law)
    this.#completed.set(law, loading)
    return loading
  }

  async #completeKeys(law: Law): Promise<Keyring | WaybillError> {
    const answer = await this.#platform.signingKeys()
    if (answer.kind === 'unavailable') return answer.cause
    try {
      const given = await loadKeyring([{ path: 'the platform’s signing keys', bytes: answer.value }])
      const complete = (await this.keyring(law)).with(given.keys.filter(key => isPinned(key.primary, law)))
      // From here on the law's signatures are checked with all of them at once.
      this.#keyrings.set(law, Promise.resolve(complete))
      return complete
    } catch (error) {
      return asWaybillError(error)
    }
  }
}

function next(facts: Iterator<CommitFacts>): CommitFacts {
  const { value, done } = facts.next()
  if (done === true) throw fail('core/internal', 'Fewer signatures were checked than commits were given')
  return value
}

/** By the whole fingerprint: a key id can be made to order. */
function isPinned(fingerprint: string, law: Law): boolean {
  return platformKeysOf(law).includes(fingerprint)
}

/** A signature that could not be checked for want of a key, and says that the key is one of the platform's. */
function needsPlatformKey(facts: CommitFacts | undefined, law: Law): boolean {
  const signature = facts?.signature
  if (signature === undefined || !isRefused(signature) || signature.code !== 'source/key-unknown') return false
  return claimsPlatformKey(signature.claimedKey, law)
}

/** Not checked is not bad: whether the platform signed it is not known. */
function unjudged(facts: CommitFacts, law: Law, why: string): CommitFacts {
  const { signature } = facts
  if (!isRefused(signature)) return facts
  const { scheme, claimedKey } = signature
  const key = claimedPlatformKey(claimedKey, law) ?? 'FINGERPRINT'
  return {
    ...facts,
    signature: {
      kind: 'unjudged',
      scheme,
      code: 'source/platform-key-missing',
      message: 'its signature names the key of the platform, which is not at hand',
      expected: key,
      found: why,
      remedy: `Run again where the platform can be reached, or put its key into the repository and name it in the policy: platform-keys: [{openpgp: {fingerprint: ${key}, file: keys/platform.asc}}]`,
      ...(claimedKey === undefined ? {} : { claimedKey }),
    },
  }
}
