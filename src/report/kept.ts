import type { Receipt } from './receipt.ts'

/** Paths of bundles that were signed but are not known to be in a registry: all that is left of a run that broke off. */
export function keptOnDisk({ attestations }: Receipt): readonly string[] {
  return attestations.flatMap(({ bundle, stored }) => (isStored(stored) || bundle === undefined ? [] : [bundle]))
}

export function isStored(stored: readonly string[] | undefined): boolean {
  return stored !== undefined && stored.length > 0
}
