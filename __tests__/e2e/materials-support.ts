import { existsSync, readFileSync } from 'node:fs'
import { type Inputs, policyOf, type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'
import { WORKFLOW } from './gate-support.ts'
import { statementIn } from './source-support.ts'

const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find(existsSync) ?? ''

export type Files = Readonly<Record<string, string | Uint8Array | null>>

/** A project whose policy has rules for base images, and a registry with some of these. */
export interface MaterialsBench {
  readonly scenario: Scenario
  /** `host` of the registry. */
  readonly host: string
  /** Made and signed by this project: `host/acme/base:1`. */
  readonly base: { readonly name: string; readonly digest: string }
  /** Nobody signed it: `host/acme/unsigned:1`. */
  readonly unsigned: { readonly name: string; readonly digest: string }
  /** Bob commits these files; the policy is alice's. @returns the id of the commit. */
  commit(files: Files): Promise<string>
  /** Alice replaces what the policy says of materials, base images among them. */
  rules(text: string, files?: Files): Promise<void>
  attest(inputs?: Inputs): Promise<StepResult>
  close(): Promise<void>
}

/** Rule for images that this project signed: any statement, of the whole repository's registry. */
export function signedRule({ stack }: Scenario): string {
  const signer = `sigstore: { identity: "${stack.git.url}/${WORKFLOW}", issuer: "${stack.oidc.issuer}" }`
  return `  - match: "${stack.registry.host}/acme/base"
    signers: [{ ${signer} }]
    trust: { file: trust/root.json }
    private: true
`
}

export async function openMaterialsBench(): Promise<MaterialsBench> {
  const scenario = await startScenario()
  return benchOn(scenario).catch(async error => {
    // Servers that nobody closes keep the tests waiting for ever.
    await scenario.close()
    throw error
  })
}

async function benchOn(scenario: Scenario): Promise<MaterialsBench> {
  const { stack, repository, alice, bob } = scenario
  const { host } = stack.registry
  const attest = (inputs: Inputs = {}) => scenario.attest({ builder: 'buildah', ...inputs })
  const commit = async (files: Files) => {
    const who = { signer: bob, name: 'Bob', email: 'bob@example.com' }
    const id = repository.commit({ message: 'Change what is built', ...who, files })
    await scenario.publish()
    return id
  }
  const rules = async (text: string, files: Files = {}) => {
    repository.commit({
      message: 'Say what may go into a build',
      signer: alice,
      files: {
        '.github/waybill.yml': policyOf(alice, bob, text),
        '.github/trust/root.json': readFileSync(stack.trustedRootFile, 'utf8'),
        ...files,
      },
    })
    await scenario.publish()
  }
  await commit({ 'busybox.sh': readFileSync(BUSYBOX), Dockerfile: 'FROM scratch\nCOPY busybox.sh /bin/busybox\n' })
  const name = `${host}/acme/base`
  const base = await attest({ images: name, tags: '1', name: 'base' })
  if (base.code !== 0) throw new Error(base.log)
  const unsigned = await pushUnsigned(scenario, `${host}/acme/unsigned`)
  return {
    scenario,
    host,
    base: { name: `${name}:1`, digest: base.outputs.digest ?? '' },
    unsigned: { name: `${host}/acme/unsigned:1`, digest: unsigned },
    commit,
    rules,
    attest,
    close: () => scenario.close(),
  }
}

/** An image that was pushed and tagged, and nothing more. */
async function pushUnsigned(scenario: Scenario, image: string): Promise<string> {
  const made = await scenario.attest({
    builder: 'buildah',
    images: image,
    name: 'unsigned',
    sign: 'false',
    'signing-config': undefined,
    'trusted-root': undefined,
    labels: 'a=b',
  })
  const { digest } = made.outputs
  if (made.code !== 0 || digest === undefined) throw new Error(made.log)
  scenario.stack.registry.storage.open('acme/unsigned').tags.set('1', digest)
  return digest
}

export interface MaterialsStatements {
  readonly types: readonly string[]
  readonly attributes: readonly { readonly attribute: string; readonly target?: { readonly uri: string } }[]
  readonly provenance: ReturnType<typeof statementIn> | undefined
}

/** What the run signed, as it lies on disk. */
export function statementsOf({ result }: StepResult): MaterialsStatements {
  const all = result.attestations.flatMap(({ bundle }) => (bundle === undefined ? [] : [statementIn(bundle)]))
  const of = (word: string) => all.find(({ predicateType }) => predicateType.includes(word))
  const scai = of('/scai/') as { predicate?: { attributes?: MaterialsStatements['attributes'] } } | undefined
  return {
    types: all.map(({ predicateType }) => predicateType),
    attributes: scai?.predicate?.attributes ?? [],
    provenance: of('slsa.dev/provenance'),
  }
}
