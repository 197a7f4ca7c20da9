import { isAbsolute, join } from 'node:path'
import type { Environment } from '../io/environment.ts'

/** Where command lines keep what is fetched of trust roots. */
export function tufCacheOf(env: Environment, workingFolder: string): string {
  return join(cacheOf(env, workingFolder), 'waybill', 'tuf')
}

/**
 * The user's folder for caches. A variable that is empty or relative is as one that is not set: it would lead into whatever folder
 * is judged. XDG Base Directory Specification 0.8 § Environment variables
 */
export function cacheOf({ XDG_CACHE_HOME: own = '', HOME: home }: Environment, workingFolder: string): string {
  return isAbsolute(own) ? own : join(home || workingFolder, '.cache')
}
