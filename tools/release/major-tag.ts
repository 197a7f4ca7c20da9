/**
 * `node tools/release/major-tag.ts --tag v1.2.3 [--remote URL] [--push]`: moves `v1` to the release, forward only. Without
 * `--push` it tells what it would do. A token in `GITHUB_TOKEN` reaches git by its environment, never by its arguments.
 */
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { type MajorMove, planMajorMove, refsIn } from './major-move.ts'

const { values } = parseArgs({
  options: { tag: { type: 'string' }, remote: { type: 'string' }, push: { type: 'boolean' } },
})

try {
  main(values.tag ?? '', values.remote ?? 'origin', values.push === true)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

function main(tag: string, remote: string, push: boolean): void {
  const move = planMajorMove(tag, refsIn(git(['ls-remote', '--tags', '--', remote])))
  if (move.kind === 'stay') {
    console.log(`${move.tag} stays: ${move.reason}`)
    return
  }
  const command = pushOf(move, remote)
  console.log(`${move.tag}: ${move.from ?? 'new'} → ${move.to} (${tag})\ngit ${command.join(' ')}`)
  if (push) git(command)
}

/** With the lease, git moves the tag only if it still is where it was when this was decided. */
function pushOf({ tag, from = '', to }: Extract<MajorMove, { kind: 'move' }>, remote: string): readonly string[] {
  return ['push', `--force-with-lease=refs/tags/${tag}:${from}`, '--', remote, `${to}:refs/tags/${tag}`]
}

function git(args: readonly string[]): string {
  return execFileSync('git', [...args], { encoding: 'utf8', env: { ...process.env, ...login() } })
}

function login(): Readonly<Record<string, string>> {
  const { GITHUB_TOKEN: token, GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env
  if (token === undefined || server === undefined || repository === undefined) return {}
  const basic = Buffer.from(`x-access-token:${token}`).toString('base64')
  return {
    GIT_CONFIG_COUNT: '1',
    // This repository alone: a redirect or a submodule elsewhere gets nothing.
    GIT_CONFIG_KEY_0: `http.${server}/${repository}.extraHeader`,
    GIT_CONFIG_VALUE_0: `AUTHORIZATION: basic ${basic}`,
    GIT_TERMINAL_PROMPT: '0',
  }
}
