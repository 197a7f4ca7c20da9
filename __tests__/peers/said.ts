import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AdmissionFile } from '../../src/admission/link.ts'
import type { Digest } from '../../src/core/digest.ts'
import { type JsonObject, parseJsonObject } from '../../src/core/json.ts'
import { objectAt } from '../../src/core/shape.ts'
import { type DeploySummaryFacts, deploySummaryStatement } from '../../src/statements/deploy-vsa.ts'
import { type ProvenanceFacts, provenanceStatement } from '../../src/statements/provenance.ts'
import type { RegistryName } from '../../tools/peers/registries.ts'
import type { ClaimOverrides } from '../fakes/claims.ts'
import type { Finished } from '../fakes/scenario.ts'
import { CLAIMS, FACTS } from '../statements/facts.ts'
import { attachAttested, attestedBundle } from './attested.ts'
import type { World } from './world.ts'

/** A statement and the claims of the run that signs it; witnessed by a timestamp alone unless it is logged. */
export interface Said {
  readonly type: string
  readonly predicate: JsonObject
  readonly claims: ClaimOverrides
  readonly logged?: boolean
}

export const SHARED = 'acme/shared/.github/workflows/build.yml@refs/heads/main'
/** Claims of a run of acme/app through the shared workflow that signs, and of the deployer. */
export const BUILDER: ClaimOverrides = { repository_id: '4711', job_workflow_ref: SHARED }
export const DEPLOYER: ClaimOverrides = {
  repository: 'acme/deploy',
  repository_id: '4712',
  workflow_ref: 'acme/deploy/.github/workflows/deploy.yml@refs/heads/main',
  job_workflow_ref: 'acme/deploy/.github/workflows/deploy.yml@refs/heads/main',
  environment: 'production',
}

/** Provenance as Waybill writes it. */
export function provenance(facts: Partial<ProvenanceFacts> = {}, claims: ClaimOverrides = BUILDER): Said {
  const run = { ...CLAIMS, job_workflow_ref: SHARED, ...(facts.claims ?? {}) }
  return { ...said(provenanceStatement({ ...FACTS, ...facts, claims: run })), claims }
}

/** A deploy summary as Waybill writes it. */
export function deployed(
  facts: DeploySummaryFacts,
  run: JsonObject | undefined,
  claims: ClaimOverrides = DEPLOYER,
): Said {
  const { type, predicate } = said(deploySummaryStatement(facts))
  const { waybill_run: _own, ...rest } = predicate
  return { type, predicate: run === undefined ? rest : { ...rest, waybill_run: run }, claims }
}

function said(statement: Uint8Array): { readonly type: string; readonly predicate: JsonObject } {
  const { predicateType, predicate } = parseJsonObject(statement, 'statement')
  return { type: String(predicateType), predicate: objectAt(predicate, 'predicate') }
}

/** Signs each about the image and attaches it. */
export async function attachSaid(
  world: World,
  registry: RegistryName,
  repository: string,
  digest: Digest,
  statements: readonly Said[],
): Promise<void> {
  for (const { type, predicate, claims, logged = false } of statements) {
    const bundle = await attestedBundle(world, {
      claims,
      github: true,
      logged,
      subjects: [{ name: repository, digest }],
      predicate: { type, params: predicate },
    })
    await attachAttested(registry, repository, digest, bundle)
  }
}

/**
 * What policy-controller says of an image by generated policies, one after the other: its tester takes one at a time, and a cluster
 * asks all of them.
 * @returns item of each policy → exit code and output.
 */
export async function admittedBy(
  world: World,
  files: readonly AdmissionFile[],
  image: string,
): Promise<Readonly<Record<string, Finished>>> {
  const folder = join(world.stack.folder, randomUUID())
  mkdirSync(folder)
  for (const { name, text } of files) writeFileSync(join(folder, name), text)
  const root = files.find(({ name }) => name.startsWith('trustroot-'))
  const results: Record<string, Finished> = {}
  for (const { name } of files.filter(file => file.name.startsWith('clusterimagepolicy-'))) {
    const item = ITEM.exec(name)?.[1] ?? name
    const trust = root === undefined ? [] : [`-trustroot=${join(folder, root.name)}`]
    results[item] = await tester(world, [`-policy=${join(folder, name)}`, ...trust, `-image=${image}`])
  }
  return results
}

const ITEM =
  /-(provenance|deploy-verified|denied|quarantined|signature|sbom|materials-verified|materials-pinned|closed-world|reproducible)\.yaml$/

function tester({ stack }: World, args: readonly string[]): Promise<Finished> {
  const env = { PATH: process.env.PATH ?? '', HOME: stack.folder, DOCKER_CONFIG: stack.buildkit.dockerConfig }
  return new Promise(resolve => {
    const child = execFile(stack.peers.go['policy-tester'], [...args], { env, timeout: 60_000 }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, log: `${stdout}${stderr}`, stdout }),
    )
  })
}
