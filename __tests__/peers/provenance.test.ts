import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { GITHUB_BUILD_TYPE, RECORDED_BUILD_TYPE, WORKFLOW_BUILD_TYPE } from '../../src/statements/uris.ts'
import {
  attest,
  type Cosign,
  cosign,
  expectedOf,
  layoutOf,
  openWorld,
  pinned,
  pushStranger,
  repositoryIn,
  type World,
} from './world.ts'

/**
 * What the provenance of every builder and event says, once cosign has decoded it into its own Go types and given it to a policy of
 * somebody who has never heard of Waybill.
 */
jest.setTimeout(240_000)

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(async () => {
  await world?.close()
})

interface Case {
  readonly builder: 'buildx' | 'buildah' | 'layout' | 'none'
  readonly event: string
  readonly buildType: string
}

const CASES: readonly Case[] = [
  { builder: 'buildx', event: 'push', buildType: GITHUB_BUILD_TYPE },
  { builder: 'buildah', event: 'push', buildType: GITHUB_BUILD_TYPE },
  { builder: 'layout', event: 'push', buildType: RECORDED_BUILD_TYPE },
  { builder: 'none', event: 'push', buildType: RECORDED_BUILD_TYPE },
  { builder: 'buildx', event: 'workflow_dispatch', buildType: GITHUB_BUILD_TYPE },
  { builder: 'buildx', event: 'schedule', buildType: WORKFLOW_BUILD_TYPE },
  { builder: 'buildx', event: 'repository_dispatch', buildType: WORKFLOW_BUILD_TYPE },
]

async function image({ builder, event }: Case): Promise<string> {
  const name = `provenance-${builder}-${event.replaceAll('_', '-')}`
  const repository = repositoryIn(world, 'referrers', name)
  const layout = layoutOf(world, name)
  // Signed by nobody: two statements of two builders would be two answers.
  const made = builder === 'none' ? await pushStranger(world, 'referrers', repository, name) : ''
  const given = builder === 'layout' ? { layout } : builder === 'none' ? { digest: made } : {}
  const inputs = { images: repository, builder, 'record-inputs': 'version', ...given }
  return pinned(repository, await signed(inputs, event))
}

async function signed(inputs: Readonly<Record<string, string>>, event_name: string): Promise<string> {
  const dispatch = { inputs: { version: '1.2.3', password: 'of the person' } }
  const result = await attest(world, inputs, {
    claims: { event_name },
    ...(event_name === 'workflow_dispatch' ? { event: dispatch } : {}),
  })
  expect(`${result.code} ${result.code === 0 ? '' : result.log}`).toBe('0 ')
  return result.outputs.digest ?? ''
}

/** Each line must hold; in Rego an absent field holds nothing. */
function rego({ builder, event, buildType }: Case): string {
  const recorded = buildType === RECORDED_BUILD_TYPE
  const lines = [
    'input.predicateType == "https://slsa.dev/provenance/v1"',
    `definition.buildType == "${buildType}"`,
    'object.keys(definition.externalParameters.workflow) == {"ref", "repository", "path"}',
    'definition.externalParameters.workflow.path == ".github/workflows/release.yml"',
    `definition.internalParameters.github.event_name == "${event}"`,
    `definition.internalParameters.waybill.builder == "${builder}"`,
    `input.predicate.runDetails.builder.id == "${expectedOf(world).identity}"`,
    'input.predicate.runDetails.builder.version.waybill',
    'contains(input.predicate.runDetails.metadata.invocationId, "/actions/runs/")',
    'time.parse_rfc3339_ns(input.predicate.runDetails.metadata.startedOn) <= time.parse_rfc3339_ns(input.predicate.runDetails.metadata.finishedOn)',
    ...(recorded
      ? [
          'object.keys(definition.externalParameters) == {"workflow", "claimedSource"}',
          'count(object.get(definition, "resolvedDependencies", [])) == 0',
        ]
      : [
          'object.keys(definition.externalParameters) == {"workflow"}',
          'regex.match("^[0-9a-f]{40}$", definition.resolvedDependencies[0].digest.gitCommit)',
          `input.predicate.runDetails.builder.version.${builder}`,
          `input.predicate.runDetails.builder.builderDependencies[0].name == "${builder}"`,
          'regex.match("^[0-9a-f]{64}$", input.predicate.runDetails.builder.builderDependencies[0].digest.sha256)',
        ]),
    ...(event === 'workflow_dispatch'
      ? [
          'definition.internalParameters.waybill.dispatchInputs == [{"name": "version", "value": "1.2.3", "source": "event-file"}, {"name": "password"}]',
        ]
      : ['not definition.internalParameters.waybill.dispatchInputs']),
  ]
  return `package signature\nimport rego.v1\ndefault allow := false\ndefinition := input.predicate.buildDefinition\nallow if {\n  ${lines.join('\n  ')}\n}\n`
}

function cue({ builder, buildType }: Case): string {
  return `predicateType: "https://slsa.dev/provenance/v1"
predicate: buildDefinition: {
  buildType: "${buildType}"
  internalParameters: waybill: builder: "${builder}"
}
predicate: runDetails: builder: id: "${expectedOf(world).identity}"
predicate: runDetails: metadata: invocationId: =~"/actions/runs/[0-9]+/attempts/[0-9]+$"
`
}

async function judged(version: Cosign, reference: string, name: string, text: string): Promise<string> {
  const path = join(world.stack.folder, name)
  writeFileSync(path, text)
  const { identity, issuer } = expectedOf(world)
  const { code, log } = await cosign(world, version, [
    'verify-attestation',
    '--type=slsaprovenance1',
    `--policy=${path}`,
    `--certificate-identity=${identity}`,
    `--certificate-oidc-issuer=${issuer}`,
    `--trusted-root=${world.stack.trustedRootFile}`,
    ...(version === 'cosign2' ? ['--new-bundle-format', '--use-signed-timestamps'] : []),
    reference,
  ])
  return code === 0 ? 'accepted' : `refused: ${log.slice(-600)}`
}

test.each(CASES)('cosign’s policies accept the provenance of $builder on $event, and no other', async one => {
  const reference = await image(one)
  const other: Case = { ...one, builder: one.builder === 'buildx' ? 'buildah' : 'buildx' }
  for (const version of ['cosign3', 'cosign2'] as const) {
    expect([version, await judged(version, reference, 'good.rego', rego(one))]).toEqual([version, 'accepted'])
    expect([version, await judged(version, reference, 'good.cue', cue(one))]).toEqual([version, 'accepted'])
    expect(await judged(version, reference, 'bad.rego', rego(other))).toContain('refused')
    expect(await judged(version, reference, 'bad.cue', cue(other))).toContain('refused')
  }
})
