import { printable } from '../core/text.ts'
import type { SubjectReceipt } from '../report/receipt.ts'

/** Of a file nothing is copied along: its bundle is a file, too, and whoever forgot it is told where it would be seen. */
export function withBundlePlace(receipt: SubjectReceipt): SubjectReceipt {
  const beside = `${printable(receipt.name, 300)}.sigstore.json`
  const remedy = `Put its bundle beside it as ${beside}, or name where it is: --bundle FILE, --files-repository REPOSITORY (in a workflow: bundles, files-repository).`
  const findings = receipt.findings.map(finding =>
    finding.code === 'verify/no-attestation' && finding.found === 'nothing' ? { ...finding, remedy } : finding,
  )
  return { ...receipt, findings }
}
