/** `npm run ok`: all a contributor should run, in the order in which a failure is cheapest to find. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const node = process.execPath
const withoutTests = process.argv.includes('--without-tests')

/** The errors page is only written here when it is asked for: a stale one fails its test. */
const STEPS: readonly (readonly [name: string, file: string, ...args: string[]])[] = [
  ['format and lint', 'node_modules/.bin/biome', 'check', '.'],
  ['types of the sources', node, 'node_modules/typescript/bin/tsc', '--noEmit'],
  ['types of tests and tools', node, 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.test.json'],
  ['dist', node, 'tools/build.ts'],
  ...(withoutTests ? [] : ([['tests', node, 'tools/test.ts']] as const)),
]

for (const [name, file, ...args] of STEPS) {
  console.log(`— ${name}`)
  const result = spawnSync(file, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  if (result.status !== 0) {
    console.error(`${name}: failed`)
    process.exit(1)
  }
}
console.log('ok')
