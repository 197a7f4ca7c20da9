import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { formatReference, type Repository } from '../registry/reference.ts'

/** What came of the same work in each of several repositories. */
export interface Everywhere<T> {
  readonly done: readonly { readonly repository: Repository; readonly value: T }[]
  readonly failed: readonly { readonly repository: Repository; readonly error: WaybillError }[]
}

/** Does the work in each repository, whatever happens in the others: one registry that is down keeps nothing from the rest. */
export async function inEveryRepository<T>(
  repositories: readonly Repository[],
  work: (repository: Repository) => Promise<T>,
): Promise<Everywhere<T>> {
  const settled = await Promise.allSettled(repositories.map(work))
  const all = repositories.map((repository, i) => ({ repository, result: settled[i] }))
  return {
    done: all.flatMap(({ repository, result }) =>
      result?.status === 'fulfilled' ? [{ repository, value: result.value }] : [],
    ),
    failed: all.flatMap(({ repository, result }) =>
      result?.status === 'rejected' ? [{ repository, error: asWaybillError(result.reason) }] : [],
    ),
  }
}

/** How a result names a place that failed: `docker.io/acme/app (registry/unavailable)`. */
export function failedPlace({ repository, error }: Everywhere<unknown>['failed'][number]): string {
  return `${formatReference(repository)} (${error.code})`
}

/**
 * The one error of a stage in which some repositories failed; undefined when none did. A rejected one is told before
 * unknown ones; where there is one repository only, its own error is all there is to say.
 */
export function errorOfEverywhere({ done, failed }: Everywhere<unknown>): WaybillError | undefined {
  const worst = failed.find(({ error }) => error.kind === 'rejected') ?? failed[0]
  if (worst === undefined) return undefined
  const { error } = worst
  if (done.length + failed.length === 1) return error
  const places = failed.map(failedPlace).join(', ')
  const stored = done.map(({ repository }) => formatReference(repository)).join(', ')
  return fail(error.code, `${error.message}; not published in ${places}`, {
    ...(error.expected === undefined ? {} : { expected: error.expected }),
    found: `${error.found === undefined ? '' : `${error.found}; `}published in ${stored === '' ? 'none' : stored}`,
    remedy: `${error.remedy} Then run again: what is published already stays, and is not doubled by the same statements.`,
    cause: error,
  })
}
