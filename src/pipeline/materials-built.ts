import { posix } from 'node:path'
import type { ObservedMaterial } from '../build/allowed.ts'
import type { BuildResult } from '../build/builder.ts'
import { pathsInTree } from '../build/request.ts'
import { fail, type WaybillError } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { worst } from '../core/verdict.ts'
import { followPath } from '../io/paths.ts'
import type { ExportedTree } from '../source/export.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import type { JudgedMaterial, MaterialsOutcome } from './materials-outcome.ts'
import { unsignedFrontends } from './materials-statements.ts'
import { uncheckedCache, uncheckedFrontends } from './materials-unchecked.ts'
import type { RunRecord } from './run.ts'

/** Puts verified files into the exported context, whose digest was taken before: the claim about the commit is untouched by them. */
export async function placeInto(
  exported: ExportedTree,
  request: AttestRequest,
  ports: AttestPorts,
  { placed }: MaterialsOutcome,
): Promise<void> {
  if (placed.size === 0) return
  const { context } = pathsInTree(request.build)
  const wanted = posix.join(exported.folder, context)
  const root = await followPath(exported.folder)
  const found = await followPath(wanted)
  // Through a link of the commit files would be written to where it points.
  if (root === undefined || found?.kind !== 'folder' || found.path !== posix.join(root.path, context))
    throw fail('build/context-missing', `The commit has no folder ${printable(context)} to place materials in`, {
      expected: 'a folder that is no link',
    })
  await ports.materials.place(found.path, placed)
}

/**
 * What the builder did, held against what was allowed (4-materials § 4): it must have kept the rest out where that was asked
 * for, and everything that it says went in must have been judged.
 * @returns the outcome that may be stated. @throws `materials/not-closed`, `materials/undeclared` under enforce.
 */
export function checkBuilt(outcome: MaterialsOutcome, result: BuildResult, record: RunRecord): MaterialsOutcome {
  const { claim, allowed } = outcome
  if (claim.verdict === 'not-asked') return outcome
  if (allowed !== undefined && result.enforcement === undefined)
    throw fail('materials/not-closed', `${result.builder} did not keep out what is not allowed`, {
      expected: 'a build that refuses everything else',
      found: 'a build that says nothing of it',
    })
  tellConditions(outcome, result, record)
  const [first, ...more] = undeclared(outcome, result.observed ?? [])
  if (first === undefined) return outcome
  record.stages.worsen('materials', 'rejected')
  if (claim.mode === 'enforce') throw first
  for (const error of [first, ...more].slice(0, 10)) record.notices.push(`${error.message} (${error.code})`)
  return { ...outcome, claim: { ...claim, verdict: worst([claim.verdict, 'rejected']) } }
}

function tellConditions(outcome: MaterialsOutcome, { enforcement, conditions }: BuildResult, record: RunRecord): void {
  if (conditions === undefined) return
  record.notChecked.push(...uncheckedCache(conditions), ...uncheckedFrontends(unsignedFrontends(outcome)))
  if (record.materials === undefined || enforcement === undefined) return
  const { builder, cache, network } = conditions
  record.materials = { ...record.materials, closed: { by: enforcement.by, builder, cache, network } }
}

function undeclared({ judged }: MaterialsOutcome, observed: readonly ObservedMaterial[]): readonly WaybillError[] {
  return observed
    .filter(material => !judged.some(one => isSame(one, material)))
    .map(({ uri, digest }) =>
      fail('materials/undeclared', `The builder says that ${printable(uri, 300)} went in, which nobody declared`, {
        expected: 'only what was judged before the build',
        found: `${uri} ${Object.entries(digest)
          .map(([algorithm, hex]) => `${algorithm}:${hex}`)
          .join(' ')}`.trim(),
      }),
    )
}

/** By digest, equal in every algorithm that both name and in one at least; what has none, by its URI alone. */
function isSame({ uri, digest, verdict }: JudgedMaterial, observed: ObservedMaterial): boolean {
  // Builders call the id of a commit by the function that makes it.
  const entries = Object.entries(observed.digest).map(
    ([name, hex]) => [name === 'sha1' ? 'gitCommit' : name, hex] as const,
  )
  if (entries.length === 0) return uri === observed.uri && verdict === 'passed'
  const shared = entries.filter(([algorithm]) => digest[algorithm] !== undefined)
  return shared.length > 0 && shared.every(([algorithm, hex]) => digest[algorithm] === hex)
}
