import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { type ClusterPort, ClusterReading, type ClusterSubjects } from './cluster.ts'

export interface ListedCluster extends ClusterSubjects {
  /** Why there may be more than was read; absent: everything was. */
  readonly incomplete?: WaybillError
}

/** A list is begun again when the server has forgotten it; what ages that fast three times is not read to its end. */
const BEGINNINGS = 3

/**
 * Reads all pods of a namespace, or of the whole cluster. What was read of a list that breaks off is kept and told as incomplete,
 * so that a bad image is found all the same and nothing passes.
 * @throws only `configuration` errors
 */
export async function listCluster(
  port: ClusterPort,
  namespace: string | undefined,
  signal?: AbortSignal,
): Promise<ListedCluster> {
  for (let beginning = 1; ; beginning++) {
    const reading = new ClusterReading()
    try {
      for await (const page of port.pods(namespace, signal)) {
        reading.add(page)
        refuseTooMany(reading)
      }
      return reading.result()
    } catch (error) {
      const known = asWaybillError(error)
      if (known.kind === 'configuration') throw known
      if (known.code === 'verify/cluster-list-expired' && beginning < BEGINNINGS) continue
      return { ...reading.result(), incomplete: brokenOff(known, reading.pods, beginning) }
    }
  }
}

function refuseTooMany({ pods, places }: ClusterReading): void {
  if (pods <= LIMITS.clusterPods && places <= LIMITS.clusterPlaces) return
  throw fail('verify/cluster-incomplete', 'More pods are listed than one run reads', {
    expected: `at most ${LIMITS.clusterPods} pods with ${LIMITS.clusterPlaces} containers`,
  })
}

/** Before the first pod the error itself says all; behind it, how much was covered is what people need to know. */
function brokenOff(cause: WaybillError, pods: number, beginnings: number): WaybillError {
  if (pods === 0 && cause.code !== 'verify/cluster-list-expired') return cause
  const times = beginnings === 1 ? '' : `; the list was begun ${beginnings} times`
  return fail('verify/cluster-incomplete', `Only the first ${pods} pods could be read: ${cause.message}`, {
    expected: 'the whole list',
    found: `${pods} pods${times}${cause.found === undefined ? '' : `; ${cause.found}`}`,
    ...(cause.code === 'verify/cluster-forbidden' ? { remedy: cause.remedy } : {}),
    cause,
  })
}
