import { join } from 'node:path'
import { fail, type WaybillError } from '../core/error.ts'
import { type Finding, findingOf, type Outcome } from '../core/verdict.ts'
import type { AddressGuard } from '../io/address.ts'
import type { Address, DownloadPorts } from '../materials/fetch/answer.ts'
import { FetchBudget } from '../materials/fetch/budget.ts'
import { FETCH_TIMING } from '../materials/fetch/timing.ts'
import type { MaterialItem } from '../materials/manifest/item.ts'
import { materialRule } from '../policy/material-policy.ts'
import type { MaterialRule } from '../policy/material-rules.ts'
import type { FetchPorts, FetchRequest } from './materials-fetch-request.ts'
import type { FetchedMaterial, MaterialProof } from './materials-outcome.ts'

/** What all materials of one run share: the law, the time, the bytes, the folder. */
export class FetchRun {
  readonly request: FetchRequest
  readonly ports: FetchPorts
  readonly download: DownloadPorts & { readonly signal: AbortSignal }
  readonly #guards = new Map<boolean, AddressGuard>()
  #parts = 0

  constructor(request: FetchRequest, ports: FetchPorts) {
    const timing = { ...FETCH_TIMING, ...ports.timing }
    const end = AbortSignal.timeout(timing.totalMs)
    const signal = ports.signal === undefined ? end : AbortSignal.any([end, ports.signal])
    this.request = request
    this.ports = ports
    this.download = { http: ports.http, timing, budget: new FetchBudget(), signal }
  }

  /** @throws `policy/no-rule`, `policy/denied` */
  rule(uri: string): MaterialRule | undefined {
    return materialRule(this.request.policy, uri)
  }

  /** Where something may be asked for: the rule is found before any request (13-adversary 39). @throws as `rule` */
  address(url: string): Address {
    return { url, guard: this.guard(this.rule(url)?.private ?? false) }
  }

  /** Names are resolved once for all materials. */
  guard(inside: boolean): AddressGuard {
    const guard = this.#guards.get(inside) ?? this.ports.guard(inside)
    this.#guards.set(inside, guard)
    return guard
  }

  /** A path at which nothing is; nobody but this run knows it. */
  part(): string {
    return join(this.request.folder, 'parts', String(this.#parts++))
  }

  /** Where verified bytes lie in the end. */
  place({ name }: MaterialItem): string {
    return join(this.request.folder, 'verified', name)
  }

  /** @throws `materials/deadline` */
  requireTime(): void {
    if (this.download.signal.aborted) throw fail('materials/deadline', 'The time for fetching the materials is over')
  }
}

/** Bytes that are verified, or why they are not. */
export type Checked = { readonly proof: MaterialProof } | Refused

export interface Refused {
  readonly verdict: Exclude<Outcome, 'passed'>
  readonly findings: readonly Finding[]
}

export function isRefusedMaterial(checked: Checked): checked is Refused {
  return 'verdict' in checked
}

export interface Facts extends Pick<FetchedMaterial, 'path' | 'size' | 'from' | 'hosts'> {
  readonly digest: Readonly<Record<string, string>>
  /** Told, and no reason against it: what a mirror did wrong. */
  readonly notes?: readonly Finding[]
}

export function passedMaterial(
  run: FetchRun,
  item: MaterialItem,
  { digest, notes = [], ...facts }: Facts,
  proof: MaterialProof,
): FetchedMaterial {
  return { item, judged: { ...named(run, item), digest, verdict: 'passed', findings: notes, proof }, ...facts }
}

export function refusedMaterial(run: FetchRun, item: MaterialItem, { verdict, findings }: Refused): FetchedMaterial {
  return { item, judged: { ...named(run, item), digest: {}, verdict, findings } }
}

export function refusalOf(error: WaybillError, item: MaterialItem): Refused {
  const verdict = error.kind === 'unknown' ? 'unknown' : 'rejected'
  return { verdict, findings: [findingOf(error, item.uri.canonical)] }
}

function named({ request }: FetchRun, { uri, at }: MaterialItem) {
  const { kind, canonical } = uri
  return { name: canonical, kind, uri: canonical, places: [`${request.manifest}:${at.split(':')[0]}`] }
}
