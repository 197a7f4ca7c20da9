import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Compares with a file that a reviewer reads; `npm test -- -u` (or UPDATE_GOLDEN=1) rewrites it.
 * A golden file that does not exist is a failure, so a new one is always written on purpose.
 */
export function expectGolden(path: string, text: string): void {
  if (process.env.UPDATE_GOLDEN === '1') {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  if (!existsSync(path)) throw new Error(`${path} does not exist; write it with UPDATE_GOLDEN=1 and read the result`)
  expect(text).toBe(readFileSync(path, 'utf8'))
}
