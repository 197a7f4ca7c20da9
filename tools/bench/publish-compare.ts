import type { Receipt } from '../../src/report/receipt.ts'
import {
  DELAY_MS,
  type Kind,
  type Measured,
  push,
  type Requests,
  runCosign,
  runWaybill,
  type World,
} from './publish-world.ts'
import { median, type Row, ratio, seconds } from './table.ts'

const ROUNDS = 5
/** What must follow one another for one image: manifest, config, log, bundle, manifest of the bundle. */
const SERIAL_ROUND_TRIPS = 5

/** Medians in milliseconds. */
export interface Compared {
  /** What cosign does too: the whole process less the stages it has no part of. */
  readonly comparable: number
  readonly withoutReadBack: number
  readonly whole: number
  readonly theirs: number
  /** The round in the middle. */
  readonly waybill: Measured
  readonly peer: Requests
}

/**
 * cosign asks for no write access beforehand, judges no commits and does not read back what it pushed, and no input of
 * ours turns those stages off: their time is taken from that of the whole process. Connections to the services are
 * opened during the preflight, which is why the row with everything stands beside it.
 */
const NOT_ASKED_OF_COSIGN = ['preflight', 'source', 'self-verify']

export async function measureWaybill(world: World, dist: string, kind: Kind): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const measured = await runWaybill(world, dist, (await push(world, `${round}-waybill`, kind)).digest)
    times.push(less(measured, NOT_ASKED_OF_COSIGN))
  }
  return median(times)
}

export async function comparePublish(world: World, dist: string, kind: Kind): Promise<Compared> {
  const ours: Measured[] = []
  const theirs: { ms: number; requests: Requests }[] = []
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await runWaybill(world, dist, (await push(world, `${round}-waybill`, kind)).digest))
    theirs.push(await runCosign(world, await push(world, `${round}-cosign`, kind)))
  }
  const comparable = (measured: Measured) => less(measured, NOT_ASKED_OF_COSIGN)
  const waybill = ours.toSorted((a, b) => comparable(a) - comparable(b))[ROUNDS >> 1]
  const peer = theirs.at(-1)
  if (waybill === undefined || peer === undefined) throw new Error('nothing was measured')
  return {
    comparable: median(ours.map(comparable)),
    withoutReadBack: median(ours.map(measured => less(measured, ['self-verify']))),
    whole: median(ours.map(({ ms }) => ms)),
    theirs: median(theirs.map(({ ms }) => ms)),
    waybill,
    peer: peer.requests,
  }
}

function less({ ms, receipt }: Measured, stages: readonly string[]): number {
  return stages.reduce((rest, name) => rest - stageMs(receipt, name), ms)
}

function stageMs(receipt: Receipt, name: string): number {
  return receipt.stages.find(stage => stage.name === name)?.ms ?? 0
}

export function rowOf(name: string, ours: number, { theirs }: Compared, goal?: string): Row {
  return {
    case: name,
    waybill: seconds(ours),
    peer: `${seconds(theirs)} (cosign sign + attest)`,
    ratio: goal === undefined ? ratio(ours, theirs) : `${ratio(ours, theirs)} (${goal})`,
    limit: `${seconds(SERIAL_ROUND_TRIPS * DELAY_MS)} (${SERIAL_ROUND_TRIPS} round trips)`,
    toLimit: ratio(ours, SERIAL_ROUND_TRIPS * DELAY_MS),
  }
}

export function percent(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(0)} %`
}

export function notesOf(name: string, { waybill, peer }: Compared, verbose: boolean): string[] {
  const { receipt, requests } = waybill
  const stages = receipt.stages
    .filter(stage => stage.state !== 'not-reached' && stage.state !== 'not-asked')
    .map(stage => `${stage.name} ${stage.ms} ms, ${receipt.requests?.[stage.name] ?? 0} requests`)
  return [
    `${name}, Waybill by stage: ${stages.join(' · ')}`,
    `${name}, Waybill by service: ${services(requests)}; registry, first bundle blob to last manifest: ${requests.upload}`,
    `${name}, cosign by service: ${services(peer)}; registry, first bundle blob to last manifest: ${peer.upload}`,
    ...(verbose ? requests.lines.map(line => `    ${line}`) : []),
  ]
}

function services({ counts, connections }: Requests): string {
  return Object.entries(counts)
    .map(([service, count]) => `${service} ${count} over ${connections[service]} connections`)
    .join(', ')
}
