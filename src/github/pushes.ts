import { isCommitId } from '../core/digest.ts'
import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import type { Json } from '../core/json.ts'
import { objectAt, stringAt } from '../core/shape.ts'
import type { Account } from '../policy/evidence.ts'
import { type GithubApi, type ListPage, type Question, shaped } from './api.ts'
import { dateAt, nullable, simpleUserAt } from './wire.ts'

/** One entry of a repository's activity: a ref now points at a commit because somebody made it so. */
export interface Push {
  readonly ref: string
  readonly after: string
  readonly at: Date
  /** Absent: the account is gone. */
  readonly actor?: Account
}

/**
 * The platform's own record of pushes, newest first: `GET /repos/{owner}/{repo}/activity`. It is read page by page, as far
 * back as what is looked for, and kept: one repository is never read twice. Safe to call concurrently.
 */
export class Pushes {
  readonly #pages: AsyncGenerator<ListPage>
  readonly #question: Question
  readonly #byCommit = new Map<string, Push[]>()
  #cause: WaybillError | undefined
  #done = false
  #reading: Promise<void> = Promise.resolve()

  /** @param repository `owner/name` @param ref only of this ref, in full. */
  constructor(api: GithubApi, repository: string, ref?: string) {
    this.#question = { of: `the activity of ${repository}`, permission: 'contents: read' }
    const query = ref === undefined ? '' : `?ref=${encodeURIComponent(ref)}`
    this.#pages = api.pages(`/repos/${repository}/activity${query}`, this.#question)
  }

  /** Reads until every one of these was met, the record ends, or no more of it is read. Never throws. */
  async look(commits: Iterable<string>): Promise<void> {
    const wanted = new Set(commits)
    // One reader at a time: the pages are a single stream.
    this.#reading = this.#reading.then(() => this.#readUntil(wanted))
    await this.#reading
  }

  /** What `look` met: every time a ref was made to point at this commit, newest first. */
  to(commit: string): readonly Push[] {
    return this.#byCommit.get(commit) ?? []
  }

  /** Why the record could not be read, or not to its end. */
  get cause(): WaybillError | undefined {
    return this.#cause
  }

  async #readUntil(wanted: ReadonlySet<string>): Promise<void> {
    try {
      while (!this.#done && [...wanted].some(commit => !this.#byCommit.has(commit))) {
        const next = await this.#pages.next()
        this.#done = next.done === true
        if (next.done !== true) this.#keep(next.value)
      }
    } catch (error) {
      this.#done = true
      this.#cause = asWaybillError(error)
    }
  }

  #keep({ items }: ListPage): void {
    const pushes = shaped(this.#question, () => items.map((item, at) => pushAt(item, `activity[${at}]`)))
    for (const push of pushes) {
      if (/^0+$/.test(push.after)) continue
      this.#byCommit.set(push.after, [...(this.#byCommit.get(push.after) ?? []), push])
    }
  }
}

function pushAt(value: Json, path: string): Push {
  const entry = objectAt(value, path)
  const after = stringAt(entry.after, `${path}.after`)
  if (!isCommitId(after))
    throw fail('core/shape', `${path}.after is not a commit`, { expected: '40 hex digits', found: after })
  const actor = nullable(entry.actor, simpleUserAt, `${path}.actor`)
  return {
    ref: stringAt(entry.ref, `${path}.ref`),
    after,
    at: dateAt(entry.timestamp, `${path}.timestamp`),
    ...(actor === undefined ? {} : { actor }),
  }
}

/** The last time before the merge that this ref was made to point at this commit. */
export function lastPush(pushes: readonly Push[], ref: string, until: Date): Push | undefined {
  const before = pushes.filter(push => push.ref === ref && push.at <= until)
  return before.reduce<Push | undefined>(
    (last, push) => (last === undefined || push.at > last.at ? push : last),
    undefined,
  )
}

/** The first time the platform received this commit as the tip of any ref. */
export function firstPush(pushes: readonly Push[]): Date | undefined {
  return pushes.reduce<Date | undefined>((first, { at }) => (first === undefined || at < first ? at : first), undefined)
}
