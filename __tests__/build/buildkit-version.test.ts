import { submodulesOf } from '../../src/build/buildkit-version.ts'
import { errorOf } from './support.ts'

const SOME = { repositories: [{ remote: 'https://example.com/lib.git', ref: 'v1', commit: '0f3c'.repeat(10) }] }
const buildkit = (...versions: string[]) => versions.map(version => ({ name: 'buildkit', version }))

test.each([['v0.24.0'], ['v0.26.3'], ['0.30.0-rc1'], ['v1.2.0']])('BuildKit %s leaves submodules out', version => {
  expect(submodulesOf(SOME, buildkit(version))).toBeUndefined()
})

test('one old node is enough to fetch what nobody declared', async () => {
  const error = await errorOf(() => submodulesOf(SOME, buildkit('v0.26.3', 'v0.23.2')))
  expect(error).toMatchObject({ code: 'materials/policy-not-enforced', found: 'v0.23.2' })
  expect(submodulesOf({ repositories: [] }, buildkit('v0.11.0'))).toBeUndefined()
})

test.each([[[]], [['v0.0.0+unknown']], [['v0.26.3', 'next']]])('of %j nobody can say', versions => {
  expect(submodulesOf(SOME, buildkit(...versions))).toContain('does not say its version')
})
