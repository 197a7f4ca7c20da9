import type { AttestationReceipt, Receipt } from './receipt.ts'

/** Paths of bundles that were signed but are not known to be in a registry: all that is left of a run that broke off. */
export function keptOnDisk({ attestations }: Receipt): readonly string[] {
  return attestations.flatMap(attestation =>
    isStored(attestation) || attestation.bundle === undefined ? [] : [attestation.bundle],
  )
}

/** In every place where it should be. */
export function isStored({ stored = [], notStored = [] }: Pick<AttestationReceipt, 'stored' | 'notStored'>): boolean {
  return stored.length > 0 && notStored.length === 0
}
