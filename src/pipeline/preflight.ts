import type { Builder } from '../build/builder.ts'
import { fail } from '../core/error.ts'
import type { AttestPorts, AttestRequest, RunIdentity } from './attest-request.ts'
import type { RunRecord } from './run.ts'

export interface Ready {
  readonly builder: Builder
  /** Present when something will be signed. */
  readonly identity?: RunIdentity
}

/**
 * Proves before anything happens that the run can end: identity, permission to write, tools. The checks run side by
 * side; of several failures the first in this order is told.
 */
export function preflight(request: AttestRequest, ports: AttestPorts, record: RunRecord): Promise<Ready> {
  return record.stages.run('preflight', undefined, async () => {
    if (request.unsignedBecause !== undefined) record.notices.push(request.unsignedBecause)
    const [identity, builder] = await firstFailure([
      request.sign ? identify(request, ports) : Promise.resolve(undefined),
      ports.builder(),
      ...request.repositories.map(repository => (request.push ? ports.registry.checkPush(repository) : undefined)),
    ] as const)
    return { state: 'passed', value: { builder, ...(identity === undefined ? {} : { identity }) } }
  })
}

/** The private-repository guard comes before any certificate is asked for, with the token's own word (13-adversary 23). */
async function identify(request: AttestRequest, ports: AttestPorts): Promise<RunIdentity> {
  const identity = await ports.identity()
  await ports.guardTransparency(identity)
  const { sha } = identity.claims
  if (sha !== request.source.head && request.source.mode === 'off') throw otherCommit(request.source.head, sha)
  return identity
}

/** 13-adversary 7: another commit than the token's would let a run on main vouch for a commit of a fork. */
export function otherCommit(head: string, sha: string): Error {
  return fail('source/other-commit', 'The commit to build is not the commit this run is for', {
    expected: sha,
    found: head,
  })
}

async function firstFailure<T extends readonly unknown[]>(work: T): Promise<{ [K in keyof T]: Awaited<T[K]> }> {
  const settled = await Promise.allSettled(work)
  for (const result of settled) if (result.status === 'rejected') throw result.reason
  return settled.map(result => (result.status === 'fulfilled' ? result.value : undefined)) as {
    [K in keyof T]: Awaited<T[K]>
  }
}
