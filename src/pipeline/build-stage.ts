import type { BuildResult } from '../build/builder.ts'
import type { BuildRequest } from '../build/request.ts'
import { together } from '../core/together.ts'
import { type ExportedTree, exportTree } from '../source/export.ts'
import { submoduleUrl } from '../source/submodule-url.ts'
import { readSubmodules } from '../source/submodules.ts'
import { isRecorded } from '../statements/provenance.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import { tellLarge } from './lfs-receipt.ts'
import { repositoryOf } from './materials-bring.ts'
import { checkBuilt, placeInto } from './materials-built.ts'
import type { MaterialsOutcome } from './materials-outcome.ts'
import type { Ready } from './preflight.ts'
import type { RunRecord } from './run.ts'
import { runnerNotes } from './runner-notes.ts'
import type { SourceOutcome } from './source-stage.ts'
import { undeclaredAt } from './submodules.ts'

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
    const recorded = isRecorded(ready.builder.name)
    const wanted = wantedBuild(request, { source, materials })
    const [exported] = await together([
      recorded && ready.builder.name !== 'command' ? undefined : exportVerified(request, ports, { source, materials }),
      ready.builder.prepare?.(wanted),
    ] as const)
    if (exported !== undefined) await placeInto(exported, request, ports, materials)
    const result = await ready.builder.build({ ...wanted, commitFolder: exported?.folder ?? '' })
    record.notices.push(...result.notes, ...runnerNotes(result.buildRunners))
    const stated = checkBuilt(materials, result, record)
    if (exported !== undefined) tellLarge(exported, record)
    for (const note of exported?.notes ?? []) record.notChecked.push(`${note.message} (${note.code})`)
    const finishedOn = ports.now()
    return {
      state: 'passed',
      value: { result, materials: stated, ...(exported && !recorded ? { exported } : {}), startedOn, finishedOn },
    }
  })
}

/** What the builder is asked for, but for the tree. */
export function wantedBuild(
  request: AttestRequest,
  { source, materials }: { readonly source: SourceOutcome; readonly materials: MaterialsOutcome },
): Omit<BuildRequest, 'commitFolder'> {
  const { allowed, contexts } = materials
  return {
    ...request.build,
    sourceDateEpoch: source.commit.committer.time,
    ...(allowed === undefined ? {} : { allowed }),
    ...(contexts.size === 0 ? {} : { contexts }),
  }
}

/**
 * Into a folder of its own, in place of what lay there. Submodules are those that the stage `materials` verified, and what Git
 * LFS pointers of the tree stand for comes from the run's own repository: the signed tree names its SHA-256, so it needs no rule.
 */
export async function exportVerified(
  request: AttestRequest,
  ports: AttestPorts,
  { source, materials }: { readonly source: SourceOutcome; readonly materials: MaterialsOutcome },
  folder: 'context' | 'context-again' = 'context',
): Promise<ExportedTree> {
  const { history, commit } = source
  await history.fetchTree(commit.id)
  const { submodules } = materials
  if (submodules === undefined || submodules.size === 0) await refuseUndeclared(request, source)
  const lfs = ports.lfs?.(await ports.folder(folder === 'context' ? 'lfs' : 'lfs-again'))
  return exportTree(history, commit, await ports.folder(folder), {
    ...(submodules === undefined ? {} : { submodules, keepSubmodules: request.reproducible === true }),
    ...(lfs === undefined ? {} : { lfs }),
  })
}

/** The export would refuse them too, but cannot say which lines to write. */
async function refuseUndeclared(request: AttestRequest, { history, commit }: SourceOutcome): Promise<void> {
  const [first] = await readSubmodules(history, commit.tree)
  if (first === undefined) return
  throw undeclaredAt(first.path, first.commit, submoduleUrl(first.url, repositoryOf(request)))
}
