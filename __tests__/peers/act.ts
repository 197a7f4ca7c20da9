import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Receipt } from '../../src/report/receipt.ts'
import type { RunOptions } from '../fakes/runner.ts'
import type { Finished } from '../fakes/scenario.ts'
import type { World } from './world.ts'

const ROOT = join(import.meta.dirname, '..', '..')

/**
 * What users write. Only the addresses, which no file can know beforehand, come as configuration variables. The last step
 * is theirs: it sees of the action what any later step sees.
 */
export const WORKFLOW = `name: release
on: [push, pull_request, workflow_dispatch]
permissions: { contents: read, packages: write, id-token: write }
jobs:
  release:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - id: waybill
        uses: ./
        with:
          builder: \${{ vars.BUILDER }}
          platforms: \${{ vars.PLATFORMS }}
          images: \${{ vars.IMAGES }}
          tags: \${{ vars.TAGS }}
          since: \${{ vars.SINCE }}
          source-mode: \${{ vars.SOURCE_MODE }}
          signing-config: \${{ vars.SIGNING_CONFIG }}
          trusted-root: \${{ vars.TRUSTED_ROOT }}
      - if: always()
        shell: sh
        env:
          DIGEST: \${{ steps.waybill.outputs.digest }}
          OUTPUTS: \${{ toJSON(steps.waybill.outputs) }}
          OUTCOME: \${{ steps.waybill.outcome }}
        run: |
          printf %s "$DIGEST" >"$REPORT/digest"
          printf %s "$OUTPUTS" >"$REPORT/outputs.json"
          printf %s "$OUTCOME" >"$REPORT/outcome"
          cp "\${{ steps.waybill.outputs.result }}" "$REPORT/result.json"
`

/** What `uses: ./` needs of this repository in the root of another. */
export function vendoredAction(): Record<string, Uint8Array> {
  const doors = ['comment', 'prepare', 'leg', 'sign', 'verify'].map(door => `${door}/action.yml`)
  const files = ['action.yml', ...doors, ...readdirSync(join(ROOT, 'dist')).map(name => `dist/${name}`)]
  return Object.fromEntries(files.map(path => [path, readFileSync(join(ROOT, path))]))
}

export interface ActRun extends Finished {
  /** What the step after the action read, or nothing where that step did not come to it. */
  readonly digest: string
  readonly outputs: Readonly<Record<string, string>>
  readonly outcome: string
  readonly result: Receipt
  /** The checkout that the job ran in. */
  readonly workspace: string
}

export type Variables = Readonly<Record<string, string>>

let runs = 0

/** Runs the workflow of the commit that `options.claims` names, by `act`, on this machine and not in a container. */
export async function act(
  world: World,
  variables: Variables,
  options: RunOptions & { readonly workflow?: string } = {},
): Promise<ActRun> {
  const { stack, repository } = world
  const claims = stack.oidc.claims({ sha: repository.head() ?? '', ...options.claims })
  const { environment } = stack.run({ ...options, claims })
  const folder = join(stack.folder, `act-${runs++}`)
  const [workspace, report, home] = ['work', 'report', 'home'].map(name => join(folder, name)) as [
    string,
    string,
    string,
  ]
  for (const path of [report, home]) mkdirSync(path, { recursive: true })
  repository.git('clone', '--quiet', '--no-checkout', repository.folder, workspace)
  repository.git('-C', workspace, 'fetch', '--quiet', 'origin', String(claims.sha))
  repository.git('-C', workspace, 'checkout', '--quiet', '--detach', String(claims.sha))
  const eventPath = join(folder, 'event.json')
  cpSync(environment.GITHUB_EVENT_PATH ?? '', eventPath)
  const all = {
    IMAGES: '',
    TAGS: '',
    BUILDER: 'auto',
    PLATFORMS: '',
    SOURCE_MODE: 'auto',
    SINCE: world.anchor,
    SIGNING_CONFIG: stack.signingConfigFile,
    TRUSTED_ROOT: stack.trustedRootFile,
    ...variables,
  }
  const given = { ...bridged(environment), REPORT: report, DOCKER_CONFIG: stack.buildkit.dockerConfig }
  const finished = await execute(stack.peers.go.act, workspace, home, [
    String(claims.event_name),
    `--eventpath=${eventPath}`,
    ...(options.workflow === undefined ? [] : [`--workflows=${options.workflow}`]),
    `--actor=${claims.actor}`,
    '--platform=ubuntu-latest=-self-hosted',
    '--platform=ubuntu-24.04=-self-hosted',
    '--platform=ubuntu-24.04-arm=-self-hosted',
    // Else act asks a GitHub CLI for one.
    '--secret=GITHUB_TOKEN=ghs_0123456789abcdefghijklmnopqrstuvwxyz',
    // Else it listens on all addresses of the machine.
    '--no-cache-server',
    ...Object.entries(all).map(([name, value]) => `--var=${name}=${value}`),
    ...Object.entries(given).map(([name, value]) => `--env=${name}=${value}`),
  ])
  const told = (name: string) => (existsSync(join(report, name)) ? readFileSync(join(report, name), 'utf8') : '')
  const parsed = <T>(name: string): T => JSON.parse(told(name) || '{}') as T
  return {
    ...finished,
    workspace,
    digest: told('digest'),
    outcome: told('outcome'),
    outputs: parsed('outputs.json'),
    result: parsed('result.json'),
  }
}

/**
 * Where act's job differs from GitHub's, and why it matters. What is not named here is act's own: GITHUB_WORKSPACE, the
 * event file, the files of outputs, summary and state, RUNNER_TEMP (removed with the job, so later steps only can read
 * what lies there), GITHUB_ACTOR (an option), GITHUB_EVENT_NAME and GITHUB_JOB.
 */
const BRIDGED: Readonly<Record<string, string>> = {
  GITHUB_REPOSITORY: 'act asks the remote "origin", and says nektos/act when that is not on its GitHub instance',
  GITHUB_SERVER_URL: 'act says https://github.com; here GitHub is a double on loopback',
  GITHUB_API_URL: 'the same',
  GITHUB_GRAPHQL_URL: 'the same',
  GITHUB_REF: 'act looks for a branch or tag with that commit and may find another than the event is about',
  GITHUB_REF_NAME: 'follows the ref',
  GITHUB_REF_TYPE: 'act leaves it empty for pull requests; GitHub says branch',
  GITHUB_RUN_ID: 'act says 1 for every run; the token has the real one',
  GITHUB_RUN_NUMBER: 'the same',
  GITHUB_RUN_ATTEMPT: 'the same',
  GITHUB_REPOSITORY_ID: 'act does not set it',
  GITHUB_REPOSITORY_OWNER_ID: 'act does not set it',
  GITHUB_ACTOR_ID: 'act does not set it',
  GITHUB_TRIGGERING_ACTOR: 'act does not set it',
  GITHUB_REF_PROTECTED: 'act does not set it',
  GITHUB_WORKFLOW_REF: 'act does not set it',
  GITHUB_WORKFLOW_SHA: 'act does not set it',
  RUNNER_ENVIRONMENT: 'act does not set it',
  RUNNER_NAME: 'act does not set it',
  ACTIONS_ID_TOKEN_REQUEST_URL: 'act has no token issuer; absent where GitHub gives the job none',
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'the same',
  ACTIONS_RESULTS_URL: 'act has an artifact service of its own only where it is asked for one; here it is a double',
  ACTIONS_RUNTIME_TOKEN: 'the same',
}

function bridged(environment: Readonly<Record<string, string>>): Record<string, string> {
  const values = Object.keys(BRIDGED).flatMap(name => {
    const value = environment[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  // act takes GITHUB_SHA from the event of a push and from the checkout otherwise, and lets only this name change it.
  return { ...Object.fromEntries(values), SHA_REF: environment.GITHUB_SHA ?? '' }
}

function execute(program: string, cwd: string, home: string, args: readonly string[]): Promise<Finished> {
  const env = {
    // act runs JavaScript actions with the first node there is; `using: node24` chooses it on GitHub.
    PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}`,
    HOME: home,
    XDG_CACHE_HOME: join(home, '.cache'),
    // Its news, by network.
    ACT_DISABLE_VERSION_CHECK: '1',
  }
  writeFileSync(join(home, '.actrc'), '')
  return new Promise(resolve => {
    const child = execFile(program, [...args], { cwd, env, timeout: 150_000, maxBuffer: 1 << 26 }, (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, log: `${out}${err}`, stdout: out }),
    )
  })
}
