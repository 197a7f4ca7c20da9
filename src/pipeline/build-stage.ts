import type { BuildResult } from '../build/builder.ts'
import { together } from '../core/together.ts'
import { type ExportedTree, exportTree } from '../source/export.ts'
import { isRecorded } from '../statements/provenance.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import { checkBuilt, placeInto } from './materials-built.ts'
import type { MaterialsOutcome } from './materials-outcome.ts'
import type { Ready } from './preflight.ts'
import type { RunRecord } from './run.ts'
import type { SourceOutcome } from './source-stage.ts'

export interface Built {
  readonly result: BuildResult
  /** What may be said of the materials, now that the builder has told what it did. */
  readonly materials: MaterialsOutcome
  /** Absent for `layout` and `none`, which build nothing, and for `command`, of which nobody knows what it read. */
  readonly exported?: ExportedTree
  readonly startedOn: Date
  readonly finishedOn: Date
}

/**
 * Writes the verified tree byte for byte, verified materials beside it, and builds from that, never from the workspace
 * (13-adversary 14).
 */
export function buildImage(
  request: AttestRequest,
  ports: AttestPorts,
  ready: Ready,
  { source, materials }: { readonly source: SourceOutcome; readonly materials: MaterialsOutcome },
  record: RunRecord,
): Promise<Built> {
  return record.stages.run('build', undefined, async () => {
    const startedOn = ports.now()
    const { allowed, contexts } = materials
    const recorded = isRecorded(ready.builder.name)
    const wanted = {
      ...request.build,
      sourceDateEpoch: source.commit.committer.time,
      ...(allowed === undefined ? {} : { allowed }),
      ...(contexts.size === 0 ? {} : { contexts }),
    }
    const [exported] = await together([
      recorded && ready.builder.name !== 'command' ? undefined : exportVerified(ports, source),
      ready.builder.prepare?.(wanted),
    ] as const)
    if (exported !== undefined) await placeInto(exported, request, ports, materials)
    const result = await ready.builder.build({ ...wanted, commitFolder: exported?.folder ?? '' })
    record.notices.push(...result.notes)
    const stated = checkBuilt(materials, result, record)
    for (const note of exported?.notes ?? []) record.notChecked.push(`${note.message} (${note.code})`)
    const finishedOn = ports.now()
    return {
      state: 'passed',
      value: { result, materials: stated, ...(exported && !recorded ? { exported } : {}), startedOn, finishedOn },
    }
  })
}

/** Into a folder of its own, in place of what lay there. */
export async function exportVerified(ports: AttestPorts, source: SourceOutcome): Promise<ExportedTree> {
  await source.history.fetchTree(source.commit.id)
  return exportTree(source.history, source.commit, await ports.folder('context'))
}
