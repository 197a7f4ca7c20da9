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

/**
 * Steps that carry the bundles of a run that broke off to its next attempt, on another machine: without them they are lost with the
 * runner. Lines of YAML; none when nothing was left, or where it lies is no folder of a run.
 */
export function stateSteps(receipt: Receipt): readonly string[] {
  if (receipt.stateArtifact !== undefined) return []
  const name = keptOnDisk(receipt)
    .map(path => /[/\\]waybill[/\\]([A-Za-z0-9._-]{1,100})[/\\]bundles[/\\][^/\\]+$/.exec(path)?.[1])
    .find(found => found !== undefined)
  if (name === undefined) return []
  const place = [`    name: 'waybill-state-${name}'`, `    path: '\${{ runner.temp }}/waybill/${name}/bundles'`]
  return [
    '# before the step of Waybill:',
    '- uses: actions/download-artifact@v4',
    '  continue-on-error: true # the first attempt has none',
    '  with:',
    ...place,
    '# after it:',
    '- uses: actions/upload-artifact@v4',
    '  if: failure()',
    '  with:',
    ...place,
    '    if-no-files-found: ignore',
    '    overwrite: true',
  ]
}
