import { builtFromCommit, recordedBuild } from '../../src/build/record.ts'
import { request } from './support.ts'

const CONDITIONS = { builder: 'fresh', cache: 'none', network: 'default', isolation: 'processes' } as const

test('recordedBuild() names every build argument and records values only when listed', () => {
  const recorded = recordedBuild(
    request({ buildArgs: { VERSION: '1', MIRROR: 'https://internal.example' } }),
    { builder: 'buildah', conditions: CONDITIONS },
    ['VERSION', 'NOT_THERE'],
  )
  expect(recorded).toMatchObject({
    builder: 'buildah',
    buildArgNames: ['MIRROR', 'VERSION'],
    buildArgs: { VERSION: '1' },
    conditions: CONDITIONS,
  })
  expect(JSON.stringify(recorded)).not.toContain('internal.example')
})

test('13-adversary 42: a listed value that looks like a token is not recorded', () => {
  const token = ['gh', 'p_', 'aB3dE5fG7hJ9kL1mN0pQ2rS4tU6vW8xYaB3d'].join('')
  const recorded = recordedBuild(request({ buildArgs: { T: token } }), { builder: 'buildx' }, ['T'])
  expect(recorded.buildArgs).toBeUndefined()
  expect(recorded.buildArgNames).toEqual(['T'])
})

test('recordedBuild() leaves out what was not given', () => {
  expect(recordedBuild(request(), { builder: 'buildx' }, [])).toEqual({
    builder: 'buildx',
    context: '.',
    network: 'default',
    push: true,
  })
})

test.each([
  ['buildx', true],
  ['buildah', true],
  ['layout', false],
  ['none', false],
] as const)('13-adversary 15: %s built from the commit: %s', (builder, expected) => {
  expect(builtFromCommit(builder)).toBe(expected)
  const recorded = recordedBuild(request({ target: 'x' }), { builder }, [])
  expect('context' in recorded).toBe(expected)
})
