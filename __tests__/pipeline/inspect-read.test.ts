import { materialsIn } from '../../src/pipeline/inspect-read.ts'
import type { ProvenanceClaims } from '../../src/statements/read-provenance.ts'

const image = { name: 'docker.io/library/node:24', digest: { sha256: '7'.repeat(64) } }
const file = { uri: 'https://evil.example/x.tgz', digest: { sha256: '8'.repeat(64) } }
const commit = { uri: 'git+https://github.com/acme/app', digest: { gitCommit: 'c'.repeat(40) } }
const namesIn = (claims: Pick<ProvenanceClaims, 'resolvedDependencies'>) =>
  materialsIn(claims as ProvenanceClaims).map(({ name }) => name)

test('materialsIn() leaves out nothing but the built commit', () => {
  expect(namesIn({ resolvedDependencies: [commit, image, file] })).toEqual([image.name, file.uri])
  expect(namesIn({ resolvedDependencies: [image, file] })).toEqual([image.name, file.uri])
  expect(namesIn({ resolvedDependencies: [image, commit, file] })).toEqual([image.name, commit.uri, file.uri])
})
