import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sourceStamp } from './source-stamp.ts'

const ROOT = join(import.meta.dirname, '..')

/**
 * Runs one ring of tests: jest on these projects with these further arguments. Prints `N passed, M failed` and writes
 * the counts to `.cache/counts/<ring>.json`, so that `.ci/run` can add up the rings.
 * @returns the exit code. A stale `dist`, which the tests run, and a ring without a single passed test are failures.
 */
export function runRing(
  ring: string,
  projects: readonly string[],
  args: readonly string[],
  beforeCounts: () => void = () => {},
): number {
  const stampFile = join(ROOT, 'dist', 'SOURCE')
  if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8').trim() !== sourceStamp(ROOT)) {
    console.error('dist/ is not what the sources build: run npm run build first')
    return 1
  }
  const report = join(ROOT, '.cache', `jest-${ring}.json`)
  mkdirSync(join(ROOT, '.cache', 'counts'), { recursive: true })
  rmSync(report, { force: true })
  const status = runJest([`--selectProjects`, ...projects, '--json', `--outputFile=${report}`, ...args])
  if (!existsSync(report)) return status || 1
  const counts = JSON.parse(readFileSync(report, 'utf8')) as {
    numPassedTests: number
    numFailedTests: number
    numRuntimeErrorTestSuites: number
  }
  const passed = counts.numPassedTests
  const failed = counts.numFailedTests + counts.numRuntimeErrorTestSuites
  writeFileSync(join(ROOT, '.cache', 'counts', `${ring}.json`), JSON.stringify({ passed, failed }))
  beforeCounts()
  console.log(`${passed} passed, ${failed} failed`)
  return passed === 0 ? status || 1 : status
}

/** What tests write lies in one folder, which is gone afterwards; its name is short for sockets, and in lower case for names of images. */
function runJest(args: readonly string[]): number {
  const update = args.includes('-u') ? { UPDATE_GOLDEN: '1' } : {}
  const temporary = join(tmpdir(), `wb-${randomBytes(4).toString('hex')}`)
  mkdirSync(temporary, { mode: 0o700 })
  const run = spawnSync(process.execPath, ['node_modules/jest/bin/jest.js', ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      ...update,
      TMPDIR: temporary,
      NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
    },
  })
  try {
    rmSync(temporary, { recursive: true, force: true, maxRetries: 3 })
  } catch {
    // A folder that is still mounted: the result of the tests does not depend on it.
  }
  return run.status ?? 1
}
