/** Bounds of this room, beside those of `core/limits.ts`: unit, reason, source. */
export const SUBJECT_LIMITS = {
  /** Bytes of one manifest or compose file. 10,000 documents of a chart are about 10 MB. */
  manifestBytes: 16 * 1024 * 1024,
  /** YAML documents of one file. */
  documents: 10_000,
  /** Nesting of maps and lists, aliases resolved. Schemas of custom resources nest about 40 deep. 13-adversary 43. */
  depth: 64,
  /** Values that the aliases of one document may stand for, each counted in full: a bomb of 1 KB stands for gigabytes. */
  aliasedValues: 100_000,
  /** Images and places without a readable one in one file. A cluster of 5,000 pods has about as many. */
  places: 50_000,
  /** Files that `extends` and `include` of one compose project lead to. */
  composeFiles: 100,
  /** Steps of `extends` or `include`, one behind the other. */
  composeDepth: 16,
  /** Bytes of one `.env` file. */
  envFileBytes: 1024 * 1024,
  /** Variables inside variables: `${A:-${B:-${C}}}`. */
  variableDepth: 16,
  /** Characters that one value may have after its variables are filled in. */
  variableCharacters: 4096,
  /** Files that globs may name in one run. */
  files: 10_000,
} as const
