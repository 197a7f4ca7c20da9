import type { AllowedImage } from '../../src/build/allowed.ts'
import { buildxArguments, buildxFiles } from '../../src/build/buildx-arguments.ts'
import { checkRequest } from '../../src/build/request.ts'
import { parseReference } from '../../src/registry/reference.ts'
import { DIGEST, request } from './support.ts'

const GENERATOR: AllowedImage = {
  reference: parseReference('ghcr.io/acme/scanner:1'),
  digest: DIGEST,
  names: ['ghcr.io/acme/scanner:1'],
  use: 'sbom-generator',
  private: false,
}

test.each([
  [
    'the declared generator by its digest',
    [GENERATOR],
    [`--attest=type=sbom,generator=ghcr.io/acme/scanner@${DIGEST}`],
  ],
  ['nothing where none was declared', [{ ...GENERATOR, use: 'base' as const }], []],
])('a closed build asks for %s', async (_what, images, expected) => {
  const allowed = { images, urls: [], repositories: [], contexts: new Map<string, string>(), pulls: [] }
  const args = buildxArguments(await checkRequest(request({ sbom: true, allowed }), []), buildxFiles('/run'))
  expect(args.filter(one => one.includes('sbom'))).toEqual(expected)
})
