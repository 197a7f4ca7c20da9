/**
 * Judges one branch as an action or a laptop does and says how long it took: `node check-source.ts URL ANCHOR HEAD FOLDER`.
 * A process of its own, because what is measured is a process: its start, its memory, its children.
 */

import { existsSync, readFileSync } from 'node:fs'
import { parseCommitId } from '../../src/core/digest.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { findTool } from '../../src/io/process.ts'
import { SourceFold } from '../../src/pipeline/source-fold.ts'
import { endFold } from '../../src/policy/fold.ts'
import { openHistory } from '../../src/source/git.ts'

/** Printed as JSON. Times in milliseconds since the process began, memory in bytes. */
export interface Checked {
  readonly outcome: string
  readonly commits: number
  readonly rejected: number
  readonly changes: number
  readonly loaded: number
  readonly fetched: number
  readonly judged: number
  readonly ended: number
  readonly maxBytes: number
  /** Of all threads, and of the one that everything else waits for; child processes not counted. */
  readonly cpuMs: number
  readonly mainCpuMs: number
}

async function main([url = '', anchor = '', head = '', folder = '']: readonly string[]): Promise<void> {
  const loaded = performance.now()
  const path = process.env.PATH ?? ''
  const history = await openHistory({
    git: findTool('git', path) ?? '/usr/bin/git',
    folder,
    url,
    env: { PATH: path },
    head: parseCommitId(head),
    also: [parseCommitId(anchor)],
    deadline: new Date(Date.now() + LIMITS.sourceStageMs),
  })
  const fetched = performance.now()
  const now = new Date()
  const driver = new SourceFold(history, now)
  const fold = await driver.alongFirstParents(parseCommitId(anchor), parseCommitId(head), 'refs/heads/main')
  const judged = performance.now()
  const { outcome, commits, changes } = endFold(fold, now)
  const ended = performance.now()
  await history.close()
  const all = process.cpuUsage()
  const main = process.threadCpuUsage()
  const checked: Checked = {
    outcome,
    commits: commits.length,
    rejected: commits.filter(commit => commit.outcome === 'rejected').length,
    changes: changes.filter(({ accepted }) => accepted).length,
    loaded,
    fetched,
    judged,
    ended,
    maxBytes: maxBytes(),
    cpuMs: (all.user + all.system) / 1000,
    mainCpuMs: (main.user + main.system) / 1000,
  }
  console.log(JSON.stringify(checked))
}

/** Linux counts what the parent had before the program was started into `maxRSS`, but not into `VmHWM`. */
function maxBytes(): number {
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'latin1') : ''
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? []
  return Number(kilobytes ?? process.resourceUsage().maxRSS) * 1024
}

await main(process.argv.slice(2))
