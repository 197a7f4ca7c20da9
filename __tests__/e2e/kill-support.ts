import type { ChildProcess } from 'node:child_process'
import { parseDigest, sha256 } from '../../src/core/digest.ts'
import { HttpClient } from '../../src/io/http.ts'
import { fetchBundles } from '../../src/registry/bundles.ts'
import { RegistryClient } from '../../src/registry/client.ts'
import { ANONYMOUS } from '../../src/registry/credentials.ts'
import { parseBundle, partsOf } from '../../src/sigstore/bundle.ts'
import { parseStatement } from '../../src/statements/parse.ts'
import type { RunOptions } from '../fakes/runner.ts'
import type { Inputs, Scenario, StepResult } from '../fakes/scenario.ts'
import { certificateRequests, logEntries } from './aftermath.ts'

/** Every server of the stack whose requests are counted; git serves by another program and is only read from. */
function servers({ stack }: Scenario) {
  return [stack.registry, stack.fulcio, stack.rekorV1, stack.rekorV2, stack.timestamp, stack.oidc]
}

/** How many requests a run made to any server. */
export function requestsMade(scenario: Scenario): number {
  return servers(scenario).reduce((sum, { log }) => sum + log.length, 0)
}

export interface Killed {
  /** Absent: the run ended before it came to that request. */
  readonly before?: string
  readonly step: StepResult
}

/** One request as it arrives at a server, `count` over all servers, 1 for the first. */
export interface Arriving {
  readonly method: string
  readonly path: string
  readonly count: number
}

/**
 * Runs the action and kills it, as a machine that goes away would, before the first request for which `when` says so reaches any
 * server; nothing that comes after it is served either.
 */
export async function attestKilled(
  scenario: Scenario,
  when: (request: Arriving) => boolean,
  inputs: Inputs,
  run: RunOptions,
): Promise<Killed> {
  let child: ChildProcess | undefined
  let count = 0
  let before: string | undefined
  for (const { faults } of servers(scenario))
    faults.hook(({ method, path }) => {
      count++
      if (before === undefined && !when({ method, path, count })) return undefined
      before ??= `${method} ${path}`
      child?.kill('SIGKILL')
      return 'cut'
    })
  const step = await scenario.attest(inputs, run, started => {
    child = started
  })
  for (const { faults } of servers(scenario)) faults.clear()
  return { step, ...(before === undefined ? {} : { before }) }
}

/** What is served beside a subject: predicate type → digests of the bundles, as every reader finds them. */
export async function attachedTo(scenario: Scenario, subject: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const http = new HttpClient()
  try {
    const client = new RegistryClient({ http, credentials: ANONYMOUS })
    const repository = { host: scenario.stack.registry.host, repository: 'acme/app' }
    const { bundles } = await fetchBundles(client, repository, parseDigest(subject))
    const found = bundles.map(({ bytes }) => [predicateTypeOf(bytes), sha256(bytes)] as const)
    const groups = [...Map.groupBy(found, ([type]) => type)]
    return new Map(groups.map(([type, list]) => [type, list.map(([, digest]) => digest).sort()] as const).sort())
  } finally {
    http.close()
  }
}

/** Predicate types of what is attached to anything in the repository, whoever it is about. */
export async function attachedAnywhere(scenario: Scenario): Promise<ReadonlySet<string>> {
  const { manifests } = scenario.stack.registry.storage.open('acme/app')
  const subjects = [...manifests.values()].flatMap(({ bytes }) => JSON.parse(bytes.toString()).subject?.digest ?? [])
  const attached = await Promise.all([...new Set<string>(subjects)].map(subject => attachedTo(scenario, subject)))
  return new Set(attached.flatMap(types => [...types.keys()]))
}

/** Layers of each tag of cosign ≤ 2: tag without its digest → how many. */
export function layersOfTags({ stack }: Scenario): Readonly<Record<string, readonly number[]>> {
  const { tags, manifests } = stack.registry.storage.open('acme/app')
  const found: Record<string, number[]> = {}
  for (const [tag, digest] of [...tags].sort()) {
    const [, kind] = /^sha256-[0-9a-f]{64}\.(sig|att)$/.exec(tag) ?? []
    const bytes = manifests.get(digest)?.bytes
    if (kind === undefined || bytes === undefined) continue
    found[kind] = [...(found[kind] ?? []), JSON.parse(bytes.toString()).layers.length]
  }
  return found
}

function predicateTypeOf(bytes: Uint8Array): string {
  const { content } = partsOf(parseBundle(bytes))
  return content.form === 'dsse' ? parseStatement(content.payload).predicateType : 'another'
}

/** What was asked of the services that a signature costs. */
export interface Cost {
  readonly certificates: number
  readonly entries: number
  readonly timestamps: number
}

export function costOf(scenario: Scenario): Cost {
  return {
    certificates: certificateRequests(scenario),
    entries: logEntries(scenario),
    timestamps: scenario.stack.timestamp.log.filter(({ method }) => method === 'POST').length,
  }
}

/** Forgets the services' request logs, not what the registry holds. */
export function forgetRequests(scenario: Scenario): void {
  for (const service of servers(scenario)) service.log.length = 0
}
