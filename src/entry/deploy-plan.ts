import { asWaybillError, fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import type { Promotion } from '../pipeline/deploy-request.ts'
import type { Origin, SubjectRequest } from '../pipeline/verify-request.ts'
import { type Expectation, expectationFor } from '../policy/gate.ts'
import { formatReference, parseReference, type Repository, repositoryIn, repositoryOf } from '../registry/reference.ts'
import { checkTagName } from '../registry/tags.ts'
import type { DeployWish } from './deploy-wish.ts'
import { subjectRequests } from './gate-subjects.ts'

interface Writable {
  readonly repository: Repository
  readonly origin: Origin
  readonly expectation: Pick<Expectation, 'private'>
}

/** Where the deploy will have to write. */
export interface DeployPlan {
  readonly writable: readonly Writable[]
}

/**
 * What the policy alone says about what was named, before any server is asked: somebody may deploy it, and to this environment. What
 * no rule matches is left to the gate, which says so.
 * @throws `deploy/no-deployer`, `deploy/other-environment`, and as `subjectRequests`
 */
export async function planDeploy(wish: DeployWish, folder: string): Promise<DeployPlan> {
  const { images, files, named, environment, promote, filesRepository } = wish
  const requests = await subjectRequests({ images, files, named: named.subjects, unreadable: [], folder })
  const planned = requests.map(subject => ({ subject, expectation: ruled(subject, wish) }))
  const own = planned.flatMap(({ subject, expectation }) =>
    expectation?.deployer === undefined ? [] : [{ subject, expectation, deployer: expectation.deployer }],
  )
  if (own.length === 0 && planned.length > 0 && planned.every(({ expectation }) => expectation !== undefined))
    throw fail('deploy/no-deployer', 'No rule that matches names a deployer', {
      expected: 'deployer: { … } and admit: [deploy-verified] in the rule',
      found: [...new Set(planned.flatMap(({ expectation }) => expectation?.resource ?? []))].slice(0, 5).join(', '),
    })
  const other = own.find(({ deployer }) => deployer.environment !== environment)
  if (other !== undefined)
    throw fail('deploy/other-environment', `The rule for ${other.expectation.resource} is for another environment`, {
      expected: other.deployer.environment,
      found: environment,
    })
  const repositories = [
    ...own.flatMap(({ subject, expectation }) =>
      subject.kind === 'file'
        ? []
        : [{ repository: repositoryOf(subject.reference), origin: subject.origin, expectation }],
    ),
    ...[filesRepository === undefined ? [] : repositoryIn(filesRepository)].flat().map(typed),
    ...promote.flatMap(({ repository }) => (repository === undefined ? [] : [typed(repository)])),
  ]
  return { writable: [...new Map(repositories.map(one => [formatReference(one.repository), one])).values()] }
}

function typed(repository: Repository): Writable {
  return { repository, origin: 'typed', expectation: { private: true } }
}

function ruled(subject: SubjectRequest, { policy }: DeployWish): Expectation | undefined {
  const { uri, digest } = policy.receipt
  const target = subject.kind === 'image' ? subject.reference.canonical : { file: subject.name }
  try {
    const named = { uri, ...(digest === undefined ? {} : { digest }) }
    return expectationFor(policy.law.policy, target, { stage: 'run', policy: named })
  } catch (error) {
    if (['policy/no-rule', 'policy/denied'].includes(asWaybillError(error).code)) return undefined
    throw error
  }
}

/** `production` is a tag of every image; `registry/repository:production` of one. @throws `entry/input-malformed`, `registry/tag-…` */
export function promotionsOf(texts: readonly string[]): readonly Promotion[] {
  return texts.map(text => {
    if (!/[/:]/.test(text)) return { tag: checkTagName(text) }
    const { tag, digest, ...reference } = parseReference(text)
    if (tag === undefined || digest !== undefined)
      throw fail('entry/input-malformed', `promote takes tags, and ${printable(text, 200)} is none`, {
        expected: 'production, or registry/repository:production',
        found: text,
      })
    return { repository: repositoryOf(reference), tag: checkTagName(tag) }
  })
}
