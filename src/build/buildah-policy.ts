import { join } from 'node:path'
import { isObject, type Json, type JsonObject, parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import type { Environment } from '../io/environment.ts'
import { exists, readFileBounded } from '../io/files.ts'

const REJECT: Json = [{ type: 'reject' }]
/** Nothing may be copied into the storage any more: what a closed build may use lies there already. */
export const CLOSED_POLICY: JsonObject = { default: REJECT }

/**
 * The machine's own signature policy, narrowed to registries: buildah itself then refuses `oci:`, `docker-archive:`, `dir:` and
 * the like, also where its parser and ours read a line otherwise (13-adversary 18; run with 1.28).
 * Source: containers-policy.json(5).
 * @returns undefined for a policy of no known shape, which buildah refuses by itself.
 */
export function registryPolicy(machine: JsonObject): JsonObject | undefined {
  const { default: fallback, transports = {} } = machine
  if (!Array.isArray(fallback) || !isObject(transports)) return undefined
  const docker = transports.docker ?? {}
  if (!isObject(docker)) return undefined
  return { default: REJECT, transports: { docker: { '': fallback, ...docker } } }
}

/** The signature policy that buildah would take, or undefined where the machine has none: then it pulls nothing at all. */
export async function machinePolicy(env: Environment): Promise<JsonObject | undefined> {
  const own = env.HOME === undefined ? [] : [join(env.HOME, '.config', 'containers', 'policy.json')]
  for (const path of [...own, '/etc/containers/policy.json'])
    if (await exists(path)) {
      try {
        return parseJsonObject(
          await readFileBounded(path, LIMITS.materialsFileBytes),
          'signature policy of the machine',
        )
      } catch {
        return undefined
      }
    }
  return undefined
}
