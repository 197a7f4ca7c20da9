import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { jest } from '@jest/globals'
import {
  admittedIn,
  BUILDER,
  fetchedTrustRoot,
  givenTrustRoot,
  pushWith,
  TRUST_ROOT,
  writtenPolicy,
} from './admission.ts'
import { type GuardedCluster, openGuardedCluster } from './admission-cluster.ts'
import { PROVENANCE } from './attested.ts'
import { startTufMirror } from './tuf.ts'
import type { World } from './world.ts'

/**
 * What this version of policy-controller makes of trust roots and conditions, in a cluster, where its own `tester` makes something else.
 * Generated policies are written around these facts; each is pinned, so that it is seen when a newer version knows better.
 */
jest.setTimeout(120_000)

let cluster: GuardedCluster
let world: World
beforeAll(async () => {
  cluster = await openGuardedCluster()
  world = cluster.world
  await cluster.webhook.apply(fetchedTrustRoot(cluster.root))
})
afterAll(() => cluster?.close())

type Authority = Readonly<Record<string, unknown>> & { readonly keyless: Readonly<Record<string, unknown>> }

interface Spec {
  readonly images: readonly object[]
  readonly authorities: readonly [Authority]
}

/** Puts the policy about provenance over one repository, changed, and creates a pod of a right image of it. @returns the refusal. */
async function judged(name: string, change: (authority: Authority) => object): Promise<string> {
  const admitted = admittedIn(world, name)
  const policy = writtenPolicy(admitted)
  const { images, authorities } = policy.spec as Spec
  const changed = { images, authorities: [change(authorities[0])] }
  await cluster.webhook.apply({ ...policy, metadata: { name }, spec: changed })
  const { image } = await pushWith(world, admitted, {})
  await cluster.settled(image, name)
  return cluster.refusal((await pushWith(world, admitted, { provenance: BUILDER })).image)
}

const conditionOf = (type: string, data: string) => [
  { name: 'statement', predicateType: PROVENANCE, policy: { type, data } },
]

describe('trust roots', () => {
  test('unchanged it is admitted', async () => {
    expect(await judged('unchanged', authority => authority)).toBe('')
  })

  test('no entry of the log is found: a timestamp it must be', async () => {
    const byLog = (authority: Authority) => ({ ...without(authority), ctlog: { trustRootRef: TRUST_ROOT } })
    expect(await judged('by-log', byLog)).toMatch(/not enough verified log entries from transparency log: 0 < 1/)
  })

  test('no entry of the certificate log is found: it must be ignored', async () => {
    const bySct = (authority: Authority) => ({
      ...authority,
      keyless: { ...authority.keyless, insecureIgnoreSCT: false },
    })
    expect(await judged('by-sct', bySct)).toMatch(/only able to verify 0 SCT entries; unable to meet threshold of 1/)
  })

  test('the address of a certificate authority may be left out: one is filled in, and never asked', async () => {
    const noAddress = ({ keyless: { url: _, ...keyless }, ...authority }: Authority) => ({ ...authority, keyless })
    expect(await judged('no-address', noAddress)).toBe('')
  })

  test('one that is given key by key is as good as one that is fetched', async () => {
    const name = 'given'
    await cluster.webhook.apply(givenTrustRoot(world, name))
    const given = (authority: Authority) => ({
      ...authority,
      keyless: { ...authority.keyless, trustRootRef: name },
      rfc3161timestamp: { trustRootRef: name },
    })
    expect(await judged(name, given)).toBe('')
  })

  test('a log whose key is no elliptic curve spoils the whole of it', async () => {
    const whole = await startTufMirror('trusted_root.json', readFileSync(world.stack.trustedRootFile))
    const object = fetchedTrustRoot(whole, 'whole')
    const log = () => readFileSync(cluster.webhook.peer.logFile, 'utf8')
    try {
      await cluster.kubernetes.client.apply(object)
      for (let tries = 0; tries < 60 && !log().includes('is not ecdsa.PublicKey'); tries++) await sleep(500)
      expect(log()).toContain('public key 1 is not ecdsa.PublicKey')
    } finally {
      await whole.close()
    }
  })
})

function without({ rfc3161timestamp: _, ...authority }: Authority): Authority {
  return authority
}

describe('conditions', () => {
  test.each([
    ['CUE, a field that is there and right', 'cue', 'predicateType: "https://slsa.dev/provenance/v1"', true],
    ['CUE, a field that is there and wrong', 'cue', 'predicateType: "https://example.com"', false],
    ['CUE, a field that is absent', 'cue', 'predicate: nowhere: "x"', true],
    ['CUE, a field that is absent and called required', 'cue', 'predicate: nowhere!: "x"', true],
    ['Rego, a field that is absent', 'rego', rego('input.predicate.nowhere == "x"'), false],
    ['Rego, not this', 'rego', rego('not input.predicate.nowhere == "x"'), true],
  ])('%s', async (row, type, data, admits) => {
    const name = row.toLowerCase().replace(/[^a-z]+/g, '-')
    const refusal = await judged(name, authority => ({ ...authority, attestations: conditionOf(type, data) }))
    expect([refusal === '', refusal]).toEqual([admits, admits ? '' : expect.stringContaining(`failed policy: ${name}`)])
  })
})

function rego(condition: string): string {
  return `package sigstore\ndefault isCompliant = false\nisCompliant {\n  ${condition}\n}\n`
}
