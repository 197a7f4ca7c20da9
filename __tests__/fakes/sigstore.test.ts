import { bundleFromJSON, bundleToJSON } from '@sigstore/bundle'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { DSSEBundleBuilder, FulcioSigner, RekorWitness, TSAWitness } from '@sigstore/sign'
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'
import { type Stack, startStack } from './stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack.close())

async function signed(payload = `{"at":${performance.now()}}`) {
  const builder = new DSSEBundleBuilder({
    signer: new FulcioSigner({
      fulcioBaseURL: stack.fulcio.url,
      identityProvider: { getToken: () => stack.oidc.mint() },
    }),
    witnesses: [
      new RekorWitness({ rekorBaseURL: stack.rekorV1.url }),
      new TSAWitness({ tsaBaseURL: stack.timestamp.url }),
    ],
  })
  const bundle = await builder.create({ data: Buffer.from(payload), type: 'application/vnd.in-toto+json' })
  return bundleFromJSON(bundleToJSON(bundle))
}

const verifier = () =>
  new Verifier(toTrustMaterial(TrustedRoot.fromJSON(stack.trustedRoot)), {
    tlogThreshold: 1,
    ctlogThreshold: 1,
    timestampThreshold: 2,
  })

describe('the stack as Sigstore', () => {
  test('a bundle of the public client libraries verifies with trusted_root.json', async () => {
    const signer = verifier().verify(toSignedEntity(await signed()))
    expect(signer.identity?.subjectAlternativeName).toBe(
      'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main',
    )
    expect(signer.identity?.extensions?.issuer).toBe(stack.oidc.url)
  })
})
