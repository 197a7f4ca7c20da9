import { type Inputs, policyOf, type Scenario, type StepResult } from '../../__tests__/fakes/scenario.ts'
import { pushImage } from '../bench/image.ts'
import type { Paper } from './paper.ts'

const MANIFEST = '.github/waybill.materials.yml'

interface Story {
  readonly paper: Paper
  readonly scenario: Scenario
}

/**
 * Alice allows base images whose digest was reviewed, bob builds upon one that nobody signed; then he writes its digest down.
 * @returns what the action said before and after.
 */
export async function refuseBase(
  { paper, scenario }: Story,
  inputs: Inputs,
): Promise<readonly [StepResult, StepResult]> {
  const { repository, stack, alice, bob } = scenario
  const { digest } = await pushImage(`${stack.registry.url}/v2/acme/base`, 'base', ['amd64'], 'image')
  stack.registry.storage.open('acme/base').tags.set('1', digest)
  const base = `${stack.registry.host}/acme/base:1`
  const rule = `base-images:\n  - { match: "${stack.registry.host}/acme/base", digest-lock: true, private: true }\n`
  const commit = async (files: Readonly<Record<string, string>>) => {
    repository.commit({ message: 'Build upon an image', signer: bob, name: 'Bob', email: 'bob@example.com', files })
    await scenario.publish()
  }
  repository.commit({
    message: 'Allow a base',
    signer: alice,
    files: { '.github/waybill.yml': policyOf(alice, bob, rule) },
  })
  await commit({ Dockerfile: `FROM ${base}\nCOPY hello.txt /\n` })
  paper.quote(rule)
  const before = await scenario.attest({ ...inputs, tags: 'v2' })
  paper.quote(told(before))
  paper.say('Denied before anything was built. Bob adds what it says, and has it reviewed:')
  const item = `{name: base, uri: "docker-image://${base}", digest: {sha256: ${digest.slice(7)}}, use: {base-image: true}}`
  const manifest = `version: 1\nmaterials:\n  - ${item}\n`
  await commit({ [MANIFEST]: manifest })
  paper.quote(manifest)
  return [before, await scenario.attest({ ...inputs, tags: 'v2' })]
}

/** The finding, without the table of commits above it. */
function told({ result }: StepResult): string {
  const { code = '', message = '', remedy = '' } = result.error ?? {}
  return `${code}: ${message}\n→ ${remedy}`
}
