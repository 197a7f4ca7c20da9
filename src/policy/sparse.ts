const NONE: readonly never[] = Object.freeze([])

/** The same list, or one empty list for all: a long history keeps several for each of its commits. */
export function sparse<T>(list: readonly T[]): readonly T[] {
  return list.length === 0 ? NONE : list
}
