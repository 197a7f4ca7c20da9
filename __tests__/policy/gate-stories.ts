import { utf8 } from '../../src/core/bytes.ts'
import { type Digest, parseDigest, sha256 } from '../../src/core/digest.ts'
import type { JsonObject } from '../../src/core/json.ts'
import type { CiExtensions, ObservedSigner } from '../../src/core/signer.ts'
import { expectationFor, type ImageJudgement, judgeImage } from '../../src/policy/gate.ts'
import type { Signed } from '../../src/policy/gate-case.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import type { QuarantineRecord } from '../../src/statements/quarantine.ts'
import type { ScaiClaim } from '../../src/statements/scai.ts'
import type { SourceDetail } from '../../src/statements/source-detail.ts'
import type { SourceSummaryFacts } from '../../src/statements/source-vsa.ts'
import {
  DEPLOYER,
  deploySummary,
  enforced,
  GATE_POLICY,
  GUARD,
  MALLORY,
  quarantine,
  release,
  scai,
} from './gate-world.ts'
import { certificate, provenance, type SignedOptions, signed } from './images.ts'
import { pairOf } from './source-world.ts'
import { NOW } from './world.ts'

/** A gate vector: `case.json` beside the `policy.yml` that judges it. Unknown keys fail, so that none is passed over. */
export interface GateStory {
  readonly target?: string | { readonly file: string }
  readonly stage?: 'deploy' | 'run'
  readonly incomplete?: boolean
  /** Names of digests; `image` is what the statements are about. */
  readonly digest?: string
  readonly platforms?: readonly string[]
  readonly parents?: readonly string[]
  readonly statements: readonly StoryStatement[]
  readonly expect: {
    readonly verdict: 'passed' | 'rejected' | 'unknown'
    /** What rejects, or why it is unknown, each once, sorted. */
    readonly codes?: readonly string[]
    readonly notes?: readonly string[]
  }
}

export interface StoryStatement {
  readonly make: 'signature' | 'provenance' | 'sbom' | 'scai' | 'deploy' | 'quarantine' | 'release' | 'source'
  readonly by?: 'build' | 'deployer' | 'guard' | 'mallory' | 'key'
  /** What differs in the certificate. */
  readonly certificate?: { readonly san?: string; readonly issuer?: string; readonly ci?: Partial<CiExtensions> }
  readonly about?: string
  readonly at?: string
  /** Name by which a release finds it. */
  readonly name?: string
  readonly releases?: string
  readonly predicateType?: string
  /** Of a provenance: path → value, null removes. Of the others: fields of what is stated. */
  readonly change?: JsonObject
  /** Of a deploy summary: fields of the predicate, put in after its builder. */
  readonly predicate?: JsonObject
  readonly claims?: readonly ScaiClaim[]
  readonly materials?: 'enforced'
}

const KEYS = ['target', 'stage', 'incomplete', 'digest', 'platforms', 'parents', 'statements', 'expect']

export function judgeStory(story: GateStory, policyText: string): ImageJudgement {
  const unknown = Object.keys(story).find(key => !KEYS.includes(key))
  if (unknown !== undefined) throw new Error(`case.json has the unknown key ${unknown}`)
  const { target = 'ghcr.io/acme/app', stage = 'deploy', digest = 'image', platforms = [], parents = [] } = story
  const policy = parsePolicy(utf8(policyText), '.github/waybill.yml')
  const expectation = expectationFor(policy, target, { stage, policy: GATE_POLICY })
  const subject = {
    name: typeof target === 'string' ? target : target.file,
    digest: sha256(digest),
    platforms: platforms.map(digestOf),
    parents: parents.map(digestOf),
  }
  const context = { rejectedBundles: [], incomplete: story.incomplete === true, now: NOW }
  return judgeImage(subject, statementsOf(story.statements), expectation, context)
}

function digestOf(name: string): Digest {
  return parseDigest(sha256(name))
}

function statementsOf(list: readonly StoryStatement[]): readonly Signed[] {
  const named = new Map<string, Signed>()
  return list.flatMap(item => {
    const made = make(item, named)
    const [first] = made
    if (item.name !== undefined && first !== undefined) named.set(item.name, first)
    return made
  })
}

function signerOf({ by = 'build', certificate: change }: StoryStatement): ObservedSigner {
  if (change !== undefined) return certificate(change)
  const key = { kind: 'key', fingerprint: 'cd'.repeat(32) } as const
  return { build: certificate(), deployer: DEPLOYER, guard: GUARD, mallory: MALLORY, key }[by]
}

function make(item: StoryStatement, named: ReadonlyMap<string, Signed>): readonly Signed[] {
  const options: SignedOptions = {
    signer: signerOf(item),
    digest: digestOf(item.about ?? 'image'),
    ...(item.at === undefined ? {} : { signedAt: new Date(item.at) }),
    ...(item.predicateType === undefined ? {} : { predicateType: item.predicateType }),
  }
  // JSON has no word for a field that is left out; null stands for it.
  const change = Object.fromEntries(Object.entries(item.change ?? {}).map(([key, value]) => [key, value ?? undefined]))
  switch (item.make) {
    case 'signature':
      return [signed({ ...options, predicate: item.change ?? {} })]
    case 'sbom':
      return [
        signed({
          predicateType: 'https://spdx.dev/Document',
          ...options,
          predicate: { spdxVersion: 'SPDX-2.3', ...item.change },
        }),
      ]
    case 'provenance': {
      return [item.materials === 'enforced' ? enforced(change, options) : provenance(change, options)]
    }
    case 'scai':
      return [scai(item.claims, options)]
    case 'deploy':
      return [deploySummary(change, options, item.predicate)]
    case 'quarantine':
      return [quarantine(change as Partial<QuarantineRecord>, options)]
    case 'release': {
      const ended = named.get(item.releases ?? '')
      if (ended === undefined) throw new Error(`No record is called ${item.releases}`)
      return [release(ended, change as Partial<QuarantineRecord>, options)]
    }
    case 'source': {
      const { detail = {}, summary = {} } = change as {
        detail?: Partial<SourceDetail>
        summary?: Partial<SourceSummaryFacts>
      }
      return Object.values(
        pairOf({ detail, summary, ...(options.signer === undefined ? {} : { signer: options.signer }) }),
      )
    }
  }
}
