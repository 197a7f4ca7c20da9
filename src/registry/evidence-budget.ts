import { fail, type WaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import type { Descriptor } from './manifest.ts'

/**
 * What may be read for one subject altogether (13-adversary 43): bundles, legacy signatures and what is found by other ways
 * take from the same purse.
 */
export class EvidenceBudget {
  #count: number
  #bytes: number

  constructor(limits: { readonly bundles?: number; readonly bytes?: number } = {}) {
    this.#count = limits.bundles ?? LIMITS.subjectBundles
    this.#bytes = limits.bytes ?? LIMITS.subjectBundleBytes
  }

  /** Takes the smallest first, as many as are left to take; the others are to be named as left out. */
  choose<T extends { readonly layer: Pick<Descriptor, 'size'> }>(
    candidates: readonly T[],
  ): { readonly chosen: readonly T[]; readonly left: readonly T[] } {
    const sorted = [...candidates].sort((a, b) => a.layer.size - b.layer.size)
    const end = sorted.findIndex(({ layer }) => !this.take(layer.size))
    return end < 0 ? { chosen: sorted, left: [] } : { chosen: sorted.slice(0, end), left: sorted.slice(end) }
  }

  /** Takes one of this many bytes. @returns false when that is more than is left. */
  take(bytes: number): boolean {
    if (this.#count < 1 || bytes > this.#bytes) return false
    this.#count--
    this.#bytes -= bytes
    return true
  }
}

/** @param left how many were not looked at */
export function overBudget(left: number): WaybillError {
  return fail('registry/referrers-incomplete', 'More bundles are attached than are examined', {
    expected: `at most ${LIMITS.subjectBundles} bundles and ${LIMITS.subjectBundleBytes} bytes, smallest first`,
    found: `${left} more`,
  })
}
