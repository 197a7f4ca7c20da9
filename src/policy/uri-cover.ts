import { type Budget, isCovered } from './cover.ts'
import type { MaterialRule, UriPattern } from './material-rules.ts'
import { loosePattern } from './uri-pattern.ts'

/**
 * Whether everything that `pattern` matches is matched by rules above it. Of patterns with a query only one at a time is
 * compared, so this may say no where several together cover it; that changes no verdict.
 */
export function isUriCovered(pattern: UriPattern, earlier: readonly MaterialRule[], budget: Budget): boolean {
  const { path, query } = pattern
  const above = earlier.flatMap(({ match }) => match)
  const exact =
    query === undefined
      ? isCovered(
          path,
          above.filter(other => other.query === undefined).map(other => other.path),
          budget,
        )
      : above.some(
          other =>
            other.query !== undefined &&
            isCovered(query, [other.query], budget) &&
            isCovered(path, [other.path], budget),
        )
  if (exact) return true
  const denied = earlier
    .filter(({ deny }) => deny)
    .flatMap(({ match }) => match.flatMap(other => loosePattern(other) ?? []))
  const loose = loosePattern(pattern)
  return loose !== undefined && denied.length > 0 && isCovered(loose, denied, budget)
}
