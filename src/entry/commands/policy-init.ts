import { join, resolve } from 'node:path'
import { fail } from '../../core/error.ts'
import { LIMITS } from '../../core/limits.ts'
import { maybe } from '../../core/maybe.ts'
import { exists, makeTemporaryFolder, remove, writeFileAtomic } from '../../io/files.ts'
import { type ProposedPolicy, proposePolicy } from '../../pipeline/policy-init.ts'
import { POLICY_PATH } from '../../policy/law.ts'
import { openHistory } from '../../source/git.ts'
import { localBranch } from '../../source/local-branch.ts'
import { resolveLocalName } from '../../source/local-refs.ts'
import { requireGit } from '../workspace.ts'
import { type CommandLine, command, type Desk, noMore, usage } from './command.ts'

export interface PolicyInit {
  readonly repo: string
  readonly branch?: string
  readonly out?: string
  readonly json: boolean
}

const OPTIONS = {
  repo: { type: 'string' },
  branch: { type: 'string' },
  out: { type: 'string' },
} as const

export const policyInitCommand = command({
  words: 'policy init',
  synopsis: 'policy init [--branch NAME] [--out FILE]',
  usage: `waybill policy init – a policy to begin with, made from the keys that signed the last commits

  waybill policy init [--repo DIR] [--branch NAME] [--out FILE]

  --repo DIR                          the clone (default: the present folder)
  --branch NAME                       the branch the policy is about (default: the one that is checked out)
  --out FILE                          write it there instead of to stdout; an existing file is never replaced
  --json                              the policy and what it was made from, as JSON on stdout

The policy goes to stdout, what to do next to stderr. It is a proposal: that a key signed commits does not prove whose
key it is.

Example:
  waybill policy init --out .github/waybill.yml
`,
  options: OPTIONS,
  read: readPolicyInit,
  run: runPolicyInit,
})

/** @throws `entry/usage` */
function readPolicyInit({
  values,
  references,
}: CommandLine<typeof OPTIONS & { json: { type: 'boolean' } }>): PolicyInit {
  noMore(references, 'policy init')
  const { branch, out, repo = '.', json = false } = values
  if (branch?.startsWith('refs/') === true && !branch.startsWith('refs/heads/'))
    throw usage('--branch is not a branch', 'main or refs/heads/main', branch)
  return { repo, ...maybe('branch', branch?.replace(/^refs\/heads\//, '')), ...maybe('out', out), json }
}

async function runPolicyInit(wish: PolicyInit, { world, env }: Desk): Promise<number> {
  const folder = resolve(world.workingFolder, wish.repo)
  const out = wish.out === undefined ? undefined : resolve(world.workingFolder, wish.out)
  if (out !== undefined && (await exists(out)))
    throw fail('entry/usage', `${wish.out} exists already, and a policy is never replaced`, {
      expected: 'a file that does not exist yet',
      remedy: 'Leave out --out and compare: waybill policy init | diff .github/waybill.yml -',
    })
  const branch = wish.branch ?? (await localBranch(folder)) ?? 'main'
  const head = await resolveLocalName(folder, wish.branch === undefined ? 'HEAD' : `refs/heads/${branch}`)
  const work = await makeTemporaryFolder(env.TMPDIR ?? '/tmp', 'waybill-policy-')
  try {
    const history = await openHistory({
      git: requireGit(env),
      folder: join(work, 'git'),
      url: folder,
      localPath: true,
      env,
      head,
      deadline: new Date(Date.now() + LIMITS.sourceStageMs),
    })
    try {
      const proposed = await proposePolicy(history, head, `refs/heads/${branch}`)
      if (out !== undefined) await writeFileAtomic(out, proposed.text)
      if (wish.json)
        world.out(`${JSON.stringify({ schemaVersion: 1, command: 'policy init', data: proposed }, null, 2)}\n`)
      else if (out === undefined) world.out(proposed.text)
      world.err(await nextSteps(proposed, folder, wish.out))
      return 0
    } finally {
      await history.close()
    }
  } finally {
    await remove(work)
  }
}

async function nextSteps(proposed: ProposedPolicy, folder: string, out: string | undefined): Promise<string> {
  const { ref, commits, unsigned, platform, keyFiles } = proposed
  const there = out === undefined && (await exists(join(folder, POLICY_PATH)))
  const exported = Object.entries(keyFiles).map(
    ([file, fingerprint]) => `Export the key: gpg --armor --export ${fingerprint} > .github/${file}`,
  )
  const steps = [
    `Check with each owner that the key is theirs, rename person-1 and so on${out === undefined ? `, and save it as ${POLICY_PATH}` : ''}.`,
    ...exported,
    'See what it means: waybill policy check',
    'Commit it, signed, and push it: git add .github && git commit -S -m "Say who may commit"',
    'Name that commit in the workflow, it is the anchor: since: <the id printed by: git rev-parse HEAD>',
  ]
  return [
    `Looked at ${commits} commits of ${ref}: ${unsigned} unsigned, ${platform} signed by the platform.`,
    ...(platform === 0 ? [] : ['What the platform signs is denied unless a rule says: platform: {merge: clean}']),
    ...(there ? [`${POLICY_PATH} exists already; this is printed for comparison.`] : []),
    'Next:',
    ...steps.map((step, at) => `  ${at + 1}. ${step}`),
    '',
  ].join('\n')
}
