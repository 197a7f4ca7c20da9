import { dockerExpectations } from '../../src/policy/docker-images.ts'
import type { DockerBase } from '../../src/policy/material-rules.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { matchSigner } from '../../src/policy/signer.ts'
import { certificate } from './images.ts'
import { POLICY } from './world.ts'

const policy = parsePolicy(
  Buffer.from(`${POLICY}base-images: [{match: "docker.io/**", docker: true}]\n`),
  '.github/waybill.yml',
)
const rule = policy.baseImages?.[0] as DockerBase
const WORKFLOWS = 'https://github.com/docker/github-builder/.github/workflows'

function codes(at: string, ci: object = {}, canonical = 'docker.io/moby/buildkit:v0.27.0'): readonly string[] {
  const san = `${WORKFLOWS}/${at}`
  const signer = certificate({
    san,
    ci: {
      buildSignerUri: san,
      sourceRepositoryUri: 'https://github.com/moby/buildkit',
      sourceRepositoryRef: 'refs/tags/v0.27.0',
      ...ci,
    },
  })
  const lists = dockerExpectations(rule, canonical, policy).map(({ build }) => matchSigner(build, signer))
  const [closest = []] = lists.toSorted((a, b) => a.length - b.length)
  return closest.map(({ code }) => code)
}

test.each([
  'bake.yml@5f637c833aa76bc99372a1dc9a6f8bcd8056fb85',
  'build.yml@5f637c833aa76bc99372a1dc9a6f8bcd8056fb85',
  'bake.yml@refs/tags/v1.16.0',
])('Docker’s builder, called by its commit or a tag, counts: %s', at => {
  expect(codes(at)).toEqual([])
})

test.each<readonly [string, string, object, readonly string[]]>([
  ['another workflow of the builder', 'verify.yml@refs/tags/v1', {}, ['verify/workflow-mismatch']],
  [
    'a pull request of the builder',
    'bake.yml@refs/pull/1/merge',
    {},
    ['verify/workflow-mismatch', 'verify/source-ref-mismatch'],
  ],
  [
    'a branch of the image’s repository',
    'bake.yml@refs/tags/v1',
    { sourceRepositoryRef: 'refs/heads/master' },
    ['verify/source-ref-mismatch'],
  ],
  [
    'another image of that repository',
    'bake.yml@refs/tags/v1',
    { sourceRepositoryRef: 'refs/tags/dockerfile/1.21.0' },
    ['verify/source-ref-mismatch'],
  ],
  [
    'somebody else’s repository',
    'bake.yml@refs/tags/v1',
    { sourceRepositoryUri: 'https://github.com/mallory/buildkit' },
    ['verify/repository-mismatch'],
  ],
  ['a runner of one’s own', 'bake.yml@refs/tags/v1', { runnerEnvironment: 'self-hosted' }, ['verify/runner-mismatch']],
])('13-adversary 28: %s does not count', (_what, at, ci, expected) => {
  expect(codes(at, ci)).toEqual(expected)
})

test('13-adversary 28: what is no commit and no full ref is no place to call a workflow at', () => {
  for (const at of ['main', '5f637c83', `${'5'.repeat(40)}x`, '', 'refs/pull/1/head'])
    expect(codes(`bake.yml@${at}`)).toContain('verify/workflow-mismatch')
})

test('13-adversary 28: an image of which nobody says where Docker builds it is refused', () => {
  for (const name of ['docker.io/library/alpine', 'ghcr.io/docker/dockerfile', 'docker.io/docker/other:1'])
    expect(() => dockerExpectations(rule, name, policy)).toThrow(
      expect.objectContaining({ code: 'policy/docker-unknown' }),
    )
})
