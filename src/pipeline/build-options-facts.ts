import { COMMIT_CONTEXT } from '../build/named-contexts.ts'
import type { BuildInputs, RecordedContext } from '../statements/provenance.ts'
import type { AttestRequest } from './attest-request.ts'
import type { Built } from './build-stage.ts'
import { proofWord } from './materials-receipt.ts'

/** Names and ids of what a build was given besides its context; never a value, never a path of the machine (5-build § 3). */
export function buildOptionFacts(
  { build }: Pick<AttestRequest, 'build'>,
  built: Pick<Built, 'materials'>,
): Pick<BuildInputs, 'secrets' | 'ssh' | 'buildContexts' | 'cacheFrom' | 'cacheTo'> {
  const { secrets = [], ssh = [], contexts = new Map<string, string>(), cacheFrom = [], cacheTo = [] } = build
  return {
    ...(secrets.length === 0 ? {} : { secrets: secrets.map(({ id }) => id) }),
    ...(ssh.length === 0 ? {} : { ssh: ssh.map(({ id }) => id) }),
    ...(contexts.size === 0
      ? {}
      : { buildContexts: [...contexts].map(([name, source]) => recorded(name, source, built)) }),
    ...(cacheFrom.length === 0 ? {} : { cacheFrom }),
    ...(cacheTo.length === 0 ? {} : { cacheTo }),
  }
}

function recorded(name: string, source: string, { materials }: Pick<Built, 'materials'>): RecordedContext {
  if (source.startsWith(COMMIT_CONTEXT)) return { name, from: 'commit' }
  const told = materials.contexts.get(name) ?? source
  const digest = /@sha256:([0-9a-f]{64})$/.exec(told)?.[1]
  const judged = materials.judged.find(one => digest !== undefined && one.digest.sha256 === digest)
  const verified = judged?.verdict === 'passed' ? proofWord(judged) : 'none'
  return { name, from: 'image', verified }
}
