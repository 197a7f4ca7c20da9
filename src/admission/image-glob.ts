import { type Budget, COVER_BUDGET } from '../policy/cover.ts'
import { HUB_ALIASES } from '../policy/image-name.ts'
import { compilePattern } from '../policy/match.ts'
import { overlaps } from '../policy/overlap.ts'
import type { SubjectPattern } from '../policy/policy.ts'
import { notExpressible } from './refused.ts'

/** What policy-controller 0.13 lets stand in a glob. */
const GLOB = /^[a-zA-Z0-9_:/*.@-]+$/
const HUB = ['docker.io', ...HUB_ALIASES].map(host => `${host}/**`)

/**
 * A pattern as policy-controller compares it: with the whole reference by digest, in which Docker Hub is called index.docker.io
 * (13-adversary 34). Stars mean the same in both. A pod with another spelling of a registry matches nothing, and is denied.
 * @throws `policy/not-expressible`
 */
export function imageGlob(pattern: SubjectPattern): string {
  refuseWideHost(pattern)
  const glob = `${pattern.text.replace(/^docker\.io\//, 'index.docker.io/')}@sha256:*`
  if (GLOB.test(glob) && !glob.includes('***')) return glob
  throw notExpressible(
    'policy-controller has no glob for an address in brackets',
    'a registry by its name',
    pattern.text,
    'Give the registry a name, and use that in match.',
  )
}

/** A host with a star could mean Docker Hub under a name that it has in clusters and not here. */
function refuseWideHost(pattern: SubjectPattern): void {
  const [host = ''] = pattern.text.split('/')
  if (!host.includes('*')) return
  const budget: Budget = { left: COVER_BUDGET }
  const meets = HUB.some(text => {
    const hub = compilePattern(text)
    return hub === undefined || overlaps(pattern, hub, budget)
  })
  if (!meets) return
  throw notExpressible(
    'A pattern may mean Docker Hub, which has another name in clusters',
    'docker.io by its name, or another registry by its',
    pattern.text,
    'Name the registry: match: ["docker.io/library/**"].',
  )
}
