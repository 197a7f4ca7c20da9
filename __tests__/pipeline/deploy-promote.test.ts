import { sha256 } from '../../src/core/digest.ts'
import { plannedTags } from '../../src/pipeline/deploy-promote.ts'
import type { DeployUnit } from '../../src/pipeline/deploy-request.ts'
import { formatReference, parseReference, repositoryOf } from '../../src/registry/reference.ts'
import { errorOf } from '../policy/world.ts'

/** As much of a unit as the plan looks at. */
function unit(name: string, content = name, deployer = true): DeployUnit {
  const repository = repositoryOf(parseReference(name))
  const expectation = deployer ? { deployer: {} } : {}
  return { resource: name, digest: sha256(content), expectation, image: { repository } } as unknown as DeployUnit
}

const APP = unit('ghcr.io/acme/app')
const WEB = unit('ghcr.io/acme/web')
const PAUSE = unit('registry.k8s.io/pause', 'pause', false)
const into = (name: string, tag = 'production') => ({ repository: repositoryOf(parseReference(name)), tag })
const planned = (...args: Parameters<typeof plannedTags>) =>
  plannedTags(...args).map(
    ({ unit: of, repository, tag }) => `${formatReference({ ...repository, tag })} ${of.resource}`,
  )

test('a tag alone is one of every image that somebody deploys here', () => {
  expect(planned([{ tag: 'live' }], [APP, WEB, PAUSE])).toEqual([
    'ghcr.io/acme/app:live ghcr.io/acme/app',
    'ghcr.io/acme/web:live ghcr.io/acme/web',
  ])
})

test('with a repository it is for the image of that name, of that path elsewhere, or the only one', () => {
  expect(planned([into('ghcr.io/acme/web')], [APP, WEB])).toEqual(['ghcr.io/acme/web:production ghcr.io/acme/web'])
  expect(planned([into('quay.io/acme/app')], [APP, WEB])).toEqual(['quay.io/acme/app:production ghcr.io/acme/app'])
  expect(planned([into('quay.io/other/name')], [APP])).toEqual(['quay.io/other/name:production ghcr.io/acme/app'])
})

test.each([
  ['a name that fits two images', [into('quay.io/other/name')], [APP, WEB]],
  ['two digests of one repository', [{ tag: 'live' }], [APP, unit('ghcr.io/acme/app', 'another')]],
  ['nothing of ours', [{ tag: 'live' }], [PAUSE]],
  ['one tag for two images', [into('quay.io/acme/app'), into('quay.io/acme/app')], []],
])('13-adversary 25: %s is refused rather than guessed', (_what, promote, units) => {
  expect(errorOf(() => plannedTags(promote, units)).code).toBe('deploy/promotion-unclear')
})
