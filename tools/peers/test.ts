/** `npm run test:peers [-- jest arguments]`: installs the peers, then runs the tests that talk to them and prints what they saw. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { runRing } from '../jest.ts'
import { installPeers } from './install.ts'

try {
  await installPeers(line => console.error(line))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
const seen = join(import.meta.dirname, '..', '..', '.cache', 'peers')
rmSync(seen, { recursive: true, force: true })
// One stack at a time: a stack is two dozen servers.
const code = runRing('peers', ['peers'], ['-w', '1', ...process.argv.slice(2)], () => {
  for (const name of existsSync(seen) ? readdirSync(seen) : [])
    process.stdout.write(readFileSync(join(seen, name), 'utf8'))
})
process.exit(code)
