import { existsSync, readFileSync } from 'node:fs'
import type { Scenario, StepResult } from '../fakes/scenario.ts'

/** What a registry repository holds beside blobs, as somebody who looks after a failed run would see it. */
export interface Held {
  readonly tags: readonly string[]
  /** Digests of manifests that have a subject: attached statements. */
  readonly referrers: readonly string[]
  readonly manifests: number
}

export function heldBy({ stack }: Scenario, repository = 'acme/app'): Held {
  const { tags, manifests } = stack.registry.storage.open(repository)
  const attached = [...manifests.values()].filter(({ bytes }) => JSON.parse(bytes.toString()).subject !== undefined)
  return { tags: [...tags.keys()], referrers: attached.map(({ digest }) => digest), manifests: manifests.size }
}

/** Forgets everything a repository holds and every log, so that the next run starts on a clean ground. */
export function cleanGround({ stack }: Scenario): void {
  stack.registry.storage.repositories.clear()
  for (const service of [stack.registry, stack.fulcio, stack.rekorV1, stack.rekorV2, stack.timestamp, stack.oidc]) {
    service.faults.clear()
    service.log.length = 0
  }
}

/** Certificates that were asked for, by the certificate authority's own log. */
export function certificateRequests({ stack }: Scenario): number {
  return stack.fulcio.log.filter(({ method }) => method === 'POST').length
}

/**
 * Entries that were asked for in a transparency log: what was signed. A certificate alone signs nothing; it is fetched
 * while the image is read, once the source has passed.
 */
export function logEntries({ stack }: Scenario): number {
  return [...stack.rekorV1.log, ...stack.rekorV2.log].filter(({ method }) => method === 'POST').length
}

/** Code of the error that ended the run. */
export function codeOf({ result }: StepResult): string | undefined {
  return result.error?.code
}

/** Bundles that the result names and that really lie on the disk, parsed. */
export function keptBundles({ result }: StepResult): readonly unknown[] {
  const paths = result.attestations.flatMap(({ bundle }) => bundle ?? [])
  return paths.filter(path => existsSync(path)).map(path => JSON.parse(readFileSync(path, 'utf8')))
}

const TOKEN = /eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}/

/**
 * No identity token, request token or given secret stands anywhere a person or the next step could read it. The line that
 * asks the runner to hide a value is the one place where it must stand.
 */
export function expectNoSecret(
  { log, summary, result, outputs, run }: StepResult,
  secrets: readonly string[] = [],
): void {
  const shown = log.replaceAll(/^::add-mask::.*$/gm, '')
  const request = run.environment.ACTIONS_ID_TOKEN_REQUEST_TOKEN
  const all = [...secrets, ...(request === undefined ? [] : [request])]
  for (const text of [shown, summary, JSON.stringify(result), JSON.stringify(outputs)]) {
    expect(text).not.toMatch(TOKEN)
    for (const secret of all) expect(text).not.toContain(secret)
  }
}
