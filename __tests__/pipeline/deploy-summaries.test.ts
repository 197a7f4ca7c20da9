import { sha256 } from '../../src/core/digest.ts'
import { asWaybillError } from '../../src/core/error.ts'
import type { DeployPorts, DeployRequest, DeploySigner, DeployUnit } from '../../src/pipeline/deploy-request.ts'
import { signSummaries } from '../../src/pipeline/deploy-summaries.ts'
import { enforced, GATE_POLICY } from '../policy/gate-world.ts'
import { certificate } from '../policy/images.ts'

const ALICE = certificate({ san: 'alice@example.com', issuer: 'https://accounts.example.com' })

/** A file that this person deploys. */
function unit(name: string, identity: string): DeployUnit {
  const statements = [enforced()]
  const signer = { kind: 'sigstore', identity: { exact: identity }, issuer: ALICE.issuer }
  return {
    resource: `file:${name}`,
    digest: sha256(name),
    expectation: {
      deployer: { signer, environment: 'production' },
      policy: GATE_POLICY,
      resource: `file:${name}`,
      description: name,
    },
    proofs: [{ requirement: 'provenance', via: 'own', statements, parts: [{ digest: sha256(name), statements }] }],
    known: [],
    file: { path: name },
  } as unknown as DeployUnit
}

/** Somebody whose name only the certificate tells. */
function signing() {
  const signed: Uint8Array[] = []
  const signer: DeploySigner = {
    hand: async () => ({
      signer: ALICE,
      sign: async statement => {
        signed.push(statement)
        return { bundle: statement, signedAt: new Date() }
      },
    }),
  }
  return { signed, signer }
}

const REQUEST = { environment: 'production', policy: GATE_POLICY, waybillVersion: '1.0.0' } as DeployRequest
const PORTS = {
  state: async () => [],
  keep: async (name: string) => name,
  now: () => new Date(),
} as unknown as DeployPorts

test('whoever deploys both signs for both', async () => {
  const { signed, signer } = signing()
  const units = [unit('a.tgz', 'alice@example.com'), unit('b.tgz', 'alice@example.com')]
  const summaries = await signSummaries(units, signer, REQUEST, PORTS)
  expect([summaries.length, signed.length]).toEqual([2, 2])
})

test('nothing is signed for one when it cannot be for another, also by somebody whom only the certificate names', async () => {
  const { signed, signer } = signing()
  const units = [unit('a.tgz', 'alice@example.com'), unit('b.tgz', 'bob@example.com')]
  const work = signSummaries(units, signer, REQUEST, PORTS).then(() => 'signed')
  expect(await work.catch(error => asWaybillError(error).code)).toBe('deploy/not-the-deployer')
  expect(signed.length).toBe(0)
})
