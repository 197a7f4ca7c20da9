import { isAbsolute, join } from 'node:path'
import { fail } from '../core/error.ts'
import type { RunContext } from '../github/context.ts'
import type { Environment } from '../io/environment.ts'
import { findTool } from '../io/process.ts'

/** A path of an input: relative ones start at the job's workspace. */
export function inWorkspace(context: Pick<RunContext, 'workspace'>, path: string): string {
  return isAbsolute(path) ? path : join(context.workspace, path)
}

/** Absolute path of git. @throws `source/git-too-old` when there is none on PATH. */
export function requireGit(env: Environment): string {
  const git = findTool('git', env.PATH ?? '')
  if (git !== undefined) return git
  throw fail('source/git-too-old', 'There is no git on PATH', { expected: 'git 2.38 or newer', found: 'none' })
}
