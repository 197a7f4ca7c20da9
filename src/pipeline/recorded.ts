import type { BuilderName } from '../statements/provenance.ts'
import type { AttestRequest } from './attest-request.ts'

/** What made an image that this run records and did not build from the commit (13-adversary 15); undefined: it builds. */
export function recordedBuilder({ command, layout, digest }: AttestRequest['given']): BuilderName | undefined {
  if (command === true) return 'command'
  if (layout !== undefined) return 'layout'
  return digest === undefined ? undefined : 'none'
}
