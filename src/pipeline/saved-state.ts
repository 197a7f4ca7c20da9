import type { AttestPorts } from './attest-request.ts'
import type { RunRecord } from './run.ts'

/** What became of saving the state for another attempt; undefined: there was nothing to save. */
export type SavedState =
  | { readonly artifact: string }
  | { readonly trouble: { readonly code: string; readonly why: string; readonly remedy: string } }
  | undefined

/**
 * Begins to save what was signed, for an attempt on another machine (6-sign-and-publish § 1). It goes on beside the run, which waits
 * for it at its end, however it ends. That it failed ends nothing.
 */
export function beginSavingState(ports: AttestPorts, record: RunRecord): void {
  const saving = ports.saveState?.()
  if (saving !== undefined)
    record.onEnd(async () => {
      record.saved = await saving
    })
}
