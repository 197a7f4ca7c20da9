import { utf8 } from '../core/bytes.ts'
import type { Digest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import type { StageMode } from '../core/stage.ts'
import type { Law } from '../policy/law.ts'
import { parsePolicy } from '../policy/parse.ts'
import type { Policy } from '../policy/policy.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import { outsideLaw } from './outside-policy.ts'
import { recordedBuilder } from './recorded.ts'
import type { RunRecord } from './run.ts'
import type { SourceOutcome } from './source-stage.ts'

/** What the stage `materials` has to do, and by which law. */
export type MaterialsPlan =
  | {
      readonly kind: 'not-asked'
      readonly mode: Exclude<StageMode, 'enforce'>
      /** For the first lines of the summary (13-adversary 38). */
      readonly because: string
      /** False: the manifest is not even read. */
      readonly brings: boolean
    }
  /** Nobody can say what the law is: under audit that is told, and nothing is judged by a guess. */
  | { readonly kind: 'unknown'; readonly because: string }
  | { readonly kind: 'judge'; readonly mode: 'enforce' | 'audit'; readonly law: MaterialsLaw }

/** The law that judges materials: the one the source stage accepted, or a policy from outside. */
export interface MaterialsLaw {
  readonly policy: Policy
  readonly files: ReadonlyMap<string, Uint8Array>
  /** As the receipt names it; absent where there is no policy at all. */
  readonly name?: { readonly uri: string; readonly digest: Digest }
  readonly law?: Law
}

const NOT_BUILT =
  'Materials were not asked about: the image was made elsewhere, so this run cannot know what went into it.'
const SWITCHED_OFF =
  'Materials were not asked about, because materials-mode is off: nothing is claimed about base images and downloads.'
const NO_LAW =
  'No policy judged base images and other materials: nothing is claimed about what the build pulled in from elsewhere.'
const NO_RULES =
  'The policy has no rules for base images and other materials: nothing is claimed about what the build pulled in.'

/**
 * Decides by input and law alone, before anything is looked at (1-product § 6). The law is never that of the judged commit
 * itself: a commit that brings its own rules would judge itself (13-adversary 20).
 * @throws `policy/no-rule` where rules are insisted on and there are none; what reading a policy from outside throws.
 */
export async function planMaterials(
  request: AttestRequest,
  ports: AttestPorts,
  source: SourceOutcome,
  record: RunRecord,
): Promise<MaterialsPlan> {
  const { mode } = request.materials
  // 13-adversary 15: of what nobody here built nobody here knows what went in.
  if (recordedBuilder(request.given) !== undefined)
    return { kind: 'not-asked', mode: 'off', because: NOT_BUILT, brings: false }
  if (mode === 'off') return { kind: 'not-asked', mode, because: SWITCHED_OFF, brings: false }
  const law = await lawOf(request, ports, source, record)
  if (law === undefined && source.claim.verdict !== 'not-asked') return lawless(mode)
  const asked = law?.policy.baseImages !== undefined || law?.policy.materials !== undefined
  if (mode === 'audit') return { kind: 'judge', mode, law: law ?? noPolicy() }
  if (law !== undefined && asked) return { kind: 'judge', mode: 'enforce', law }
  if (mode === 'enforce') throw noRules(law)
  return { kind: 'not-asked', mode: 'audit', because: law === undefined ? NO_LAW : NO_RULES, brings: true }
}

async function lawOf(
  request: AttestRequest,
  ports: AttestPorts,
  { judgement }: SourceOutcome,
  record: RunRecord,
): Promise<MaterialsLaw | undefined> {
  const outside = request.source.policy
  if (judgement === undefined && outside === undefined) return undefined
  const law =
    judgement?.law ??
    (outside && (await outsideLaw(outside, request.serverUrl, ports.policyRepository(outside.repository))))
  if (law === undefined) return undefined
  const { origin, policyDigest: digest } = law
  // Without an anchor no commit was judged, so nobody has named the policy yet.
  if (record.policy === undefined && origin !== undefined)
    record.policy = { uri: origin.uri, ref: origin.commit, digest }
  const uri = record.policy?.uri
  return { policy: law.policy, files: law.files, law, ...(uri === undefined ? {} : { name: { uri, digest } }) }
}

/** The history could not be judged, so nobody knows whether its law has rules. */
function lawless(mode: AttestRequest['materials']['mode']): MaterialsPlan {
  const because =
    'Nobody judged base images and other materials: the history could not be judged, and with it its policy.'
  if (mode !== 'enforce') return { kind: 'unknown', because }
  throw fail('materials/law-unknown', 'Nobody can say which rules hold for base images and other materials')
}

function noRules(law: MaterialsLaw | undefined): Error {
  return fail('policy/no-rule', 'materials-mode is enforce, but no rule says what may go into the build', {
    expected: 'base-images or materials in the policy',
    found: law === undefined ? 'no policy that judges: the input since is not set' : 'a policy with neither',
    remedy:
      law === undefined
        ? 'Set since: to the commit that brought the policy, or policy: to one in another repository.'
        : 'Add to the policy, in a reviewed commit:\nbase-images:\n  - {match: "docker.io/library/**", digest-lock: true}',
  })
}

/** Of a repository without a policy: digests, and keys that the commit declares, are all there is to judge by. */
export function noPolicy(): MaterialsLaw {
  return { policy: parsePolicy(utf8('version: 1\n'), 'no policy'), files: new Map() }
}
