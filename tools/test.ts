/**
 * `npm test [-- jest arguments]`: unit and end-to-end tests; the latter run the bundled `dist`.
 * The counts are also written to `.cache/counts/<ring>.json`, so that `.ci/run` can add up the rings.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sourceStamp } from './source-stamp.ts'

const root = join(import.meta.dirname, '..')
const args = process.argv.slice(2)
const stampFile = join(root, 'dist', 'SOURCE')
if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8').trim() !== sourceStamp(root)) {
  console.error('dist/ is not what the sources build: run npm run build first')
  process.exit(1)
}
const report = join(root, '.cache', 'jest.json')
mkdirSync(join(root, '.cache', 'counts'), { recursive: true })
rmSync(report, { force: true })
const update = args.includes('-u') ? { UPDATE_GOLDEN: '1' } : {}
const run = spawnSync(
  process.execPath,
  ['node_modules/jest/bin/jest.js', '--json', `--outputFile=${report}`, ...args],
  {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...update, NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning' },
  },
)
if (!existsSync(report)) process.exit(run.status || 1)
const counts = JSON.parse(readFileSync(report, 'utf8')) as {
  numPassedTests: number
  numFailedTests: number
  numRuntimeErrorTestSuites: number
}
const failed = counts.numFailedTests + counts.numRuntimeErrorTestSuites
writeFileSync(join(root, '.cache', 'counts', 'test.json'), JSON.stringify({ passed: counts.numPassedTests, failed }))
console.log(`${counts.numPassedTests} passed, ${failed} failed`)
process.exit(counts.numPassedTests === 0 ? 1 : (run.status ?? 1))
