/**
 * The policy's name where others use the same one: a place in a repository. A path on somebody's disk is none; it may be called
 * otherwise, or be another file, on the next machine.
 */
export function sharedName(uri: string | undefined): string | undefined {
  return uri?.startsWith('git+') === true ? uri : undefined
}
