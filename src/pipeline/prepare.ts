import type { BuildPlan, Pin } from '../build/plan.ts'
import { type ErrorKind, fail } from '../core/error.ts'
import type { Receipt } from '../report/receipt.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import type { MaterialsOutcome } from './materials-outcome.ts'
import { verifyMaterials } from './materials-stage.ts'
import { preflight } from './preflight.ts'
import { RunRecord } from './run.ts'
import { beginSource } from './source-commits.ts'
import { type SourceOutcome, verifySource } from './source-stage.ts'
import { StageLog } from './stages.ts'

/** What was found of commit and materials; a plan is made of it and of what the event decided. */
export type Prepared = Pick<BuildPlan, 'commit' | 'source' | 'materials' | 'pins'>

/**
 * The stages before a build and nothing behind them: who wrote the commit, and what goes in. Builds, pushes and signs nothing.
 * Never throws; `prepared` is absent when a stage ended the run.
 */
export async function prepare(
  request: AttestRequest,
  ports: AttestPorts,
): Promise<{ receipt: Receipt; error: ErrorKind | undefined; prepared?: Prepared }> {
  const record = new RunRecord(new StageLog(ports))
  let prepared: Prepared | undefined
  try {
    const commits = beginSource(request, ports, record)
    const ready = await preflight(request, ports, record)
    const source = await verifySource(request, ports, commits, ready, record)
    const materials = await verifyMaterials(request, ports, source, record)
    prepared = preparedOf(source, materials)
    record.notChecked.push('The build: other jobs of this run make and sign the image.')
  } catch (error) {
    record.endBy(error)
  } finally {
    await record.end()
  }
  const ended = record.error === undefined
  return {
    receipt: record.receipt('prepare'),
    error: record.error?.kind,
    ...(ended && prepared !== undefined ? { prepared } : {}),
  }
}

function preparedOf(source: SourceOutcome, materials: MaterialsOutcome): Prepared {
  return {
    commit: source.commit.id,
    source: source.claim.verdict,
    materials: materials.claim.verdict,
    pins: pinsOf(materials),
  }
}

/** By name and bytes, each once, sorted: the same list whoever asks, as long as the same things go in. */
function pinsOf({ judged }: MaterialsOutcome): readonly Pin[] {
  const pins = judged.map(
    ({ uri, digest }): Pin => ({
      uri,
      digests: Object.entries(digest)
        .map(([algorithm, hex]) => `${algorithm}:${hex}`)
        .sort(),
    }),
  )
  const found = new Map(pins.map(pin => [JSON.stringify([pin.uri, ...pin.digests]), pin]))
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pin]) => pin)
}

/**
 * A job that builds or signs finds everything out for itself; where that is not what was found before, somebody moved something
 * meanwhile, and the parts of one image would not belong together.
 * @throws `build/plan-differs`
 */
export function checkPlanned(plan: BuildPlan | undefined, source: SourceOutcome, materials: MaterialsOutcome): void {
  if (plan === undefined) return
  const now = preparedOf(source, materials)
  demand('commit', plan.commit, now.commit)
  demand('verdict on the commits', plan.source, now.source)
  demand('verdict on the materials', plan.materials, now.materials)
  const spelled = (pins: readonly Pin[]) => pins.map(({ uri, digests }) => `${uri} ${digests.join(' ')}`)
  const [planned, found] = [spelled(plan.pins), spelled(now.pins)]
  const gone = planned.filter(pin => !found.includes(pin))
  const come = found.filter(pin => !planned.includes(pin))
  if (gone.length + come.length > 0)
    demand('materials', gone.join(', ') || 'nothing more', come.join(', ') || 'nothing')
}

function demand(what: string, expected: string, found: string): void {
  if (expected === found) return
  throw fail('build/plan-differs', `This job found another ${what} than the job that prepared`, { expected, found })
}
