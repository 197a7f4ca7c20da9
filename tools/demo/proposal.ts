import { type Inputs, policyOf, REPOSITORY, type Scenario, type StepResult } from '../../__tests__/fakes/scenario.ts'

const BRANCH = 'bob/tidy-up'
const PULL = 'refs/pull/7/merge'

/**
 * Bob opens a pull request whose only commit, signed by himself, makes him a maintainer and lets the workflow judge without
 * insisting; the action runs on it as GitHub would start it. The repository stands on its main branch before and after.
 */
export async function proposeOtherRules(scenario: Scenario, inputs: Inputs): Promise<StepResult> {
  const { repository, stack, alice, bob } = scenario
  const base = repository.head() ?? ''
  const claimed = stack.oidc.claims()
  repository.git('checkout', '--quiet', '-B', BRANCH, base)
  const head = repository.commit({
    message: 'Tidy up',
    signer: bob,
    name: 'Bob',
    email: 'bob@example.com',
    files: {
      '.github/waybill.yml': policyOf(alice, bob).replace('maintainers: [alice]', 'maintainers: [alice, bob]'),
      '.github/workflows/release.yml': 'on: push\nwith:\n  source-mode: audit\n',
    },
  })
  // GitHub's own merge commit, on which the event stands; nobody judges or builds it.
  repository.git('update-ref', PULL, repository.object({ message: 'Merge' }, repository.git('mktree'), [base, head]))
  repository.git('checkout', '--quiet', '--force', 'main')
  await scenario.publish()
  const own = { id: Number(claimed.repository_id) }
  return scenario.attest(inputs, {
    claims: { event_name: 'pull_request', ref: PULL, sha: repository.git('rev-parse', PULL) },
    event: {
      action: 'opened',
      number: 7,
      repository: { ...own, full_name: REPOSITORY, default_branch: 'main' },
      pull_request: {
        number: 7,
        user: { login: 'bob' },
        head: { sha: head, ref: BRANCH, repo: own },
        base: { sha: base, ref: 'main', repo: own },
      },
    },
  })
}
