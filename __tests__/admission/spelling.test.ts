import fc from 'fast-check'
import { imageGlob } from '../../src/admission/image-glob.ts'
import { literal, wholeText } from '../../src/admission/re2.ts'
import { regoModule } from '../../src/admission/rego.ts'
import { compilePattern, matches } from '../../src/policy/match.ts'
import type { SubjectPattern } from '../../src/policy/policy.ts'
import { errorOf } from '../policy/world.ts'

/** RE2 as far as it is written: the one part that JavaScript spells otherwise is "any character, also the end of a line". */
function re2(expression: string): RegExp {
  return new RegExp(expression.replaceAll('(?s:.*)', '[^]*'))
}

const part = fc.constantFrom(
  'a',
  'v1',
  '.',
  '/',
  '+',
  '-',
  '(',
  ')',
  '|',
  '[',
  '\\',
  '$',
  '^',
  '?',
  '@',
  '#',
  ' ',
  '\n',
  'é',
)
const text = fc.array(part, { maxLength: 8 }).map(parts => parts.join(''))
const pattern = fc
  .array(fc.oneof(part, fc.constantFrom('*', '**')), { minLength: 1, maxLength: 6 })
  .map(parts => parts.join(''))
  .filter(written => compilePattern(written) !== undefined)

describe('13-adversary 30: patterns mean the same in a cluster', () => {
  test('as an expression of RE2', () => {
    fc.assert(
      fc.property(fc.array(pattern, { minLength: 1, maxLength: 3 }), text, (patterns, candidate) => {
        const ours = patterns.some(written => {
          const compiled = compilePattern(written)
          return compiled !== undefined && matches(compiled, candidate)
        })
        expect(re2(wholeText(patterns)).test(candidate)).toBe(ours)
      }),
      { numRuns: 2000 },
    )
  })

  test('a text is an expression for itself alone', () => {
    fc.assert(
      fc.property(text, text, (wanted, candidate) => {
        expect(re2(`^(?:${literal(wanted)})$`).test(candidate)).toBe(wanted === candidate)
      }),
    )
  })

  const name = fc.constantFrom('ghcr.io', 'a', 'b-c', 'd_e', '/', '*', '**', '.')
  test('as a glob over a reference by digest', () => {
    fc.assert(
      fc.property(
        fc.array(name, { minLength: 1, maxLength: 5 }).map(parts => `ghcr.io/${parts.join('')}`),
        fc.array(fc.constantFrom('a', 'b-c', 'd_e', '/', '.', 'ghcr.io'), { minLength: 1, maxLength: 5 }),
        (written, parts) => {
          const compiled = compilePattern(written)
          if (compiled === undefined) return
          const repository = `ghcr.io/${parts.join('')}`
          const glob = controllerGlob(imageGlob({ ...compiled, of: 'image' }))
          expect(glob.test(`${repository}@sha256:${'a'.repeat(64)}`)).toBe(matches(compiled, repository))
        },
      ),
      { numRuns: 2000 },
    )
  })
})

/** How policy-controller 0.13.1 reads a glob (pkg/apis/glob), in JavaScript. */
function controllerGlob(glob: string): RegExp {
  expect(glob).toMatch(/^[a-zA-Z0-9-_:/*.@]+$/)
  return new RegExp(
    `^${glob.replaceAll('.', '\\.').replaceAll('**', '#').replaceAll('*', '[^/]*').replaceAll('#', '.*')}$`,
  )
}

const subject = (written: string): SubjectPattern => {
  const compiled = compilePattern(written)
  if (compiled === undefined) throw new Error(written)
  return { ...compiled, of: 'image' }
}

describe('13-adversary 34: names of registries', () => {
  test('Docker Hub is called in clusters as its library resolves it', () => {
    expect(imageGlob(subject('docker.io/library/**'))).toBe('index.docker.io/library/**@sha256:*')
  })

  test.each(['*.docker.io/**', 'd*.io/acme/app', '**/app', '[::1]:5000/acme/app'])('%s is refused', written => {
    expect(errorOf(() => imageGlob(subject(written))).code).toBe('policy/not-expressible')
  })

  test('a host with a star that can be none of its names is taken', () => {
    expect(imageGlob(subject('*.dkr.ecr.eu-west-1.amazonaws.com/app'))).toBe(
      '*.dkr.ecr.eu-west-1.amazonaws.com/app@sha256:*',
    )
  })
})

describe('regoModule()', () => {
  test('nothing that a policy says can leave its string', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), value => {
        const module = regoModule('https://x', ['t'], [{ path: ['a'], is: 'equal', value }])
        const line = module.split('\n').find(each => each.startsWith('  input.predicate["a"] == ')) ?? ''
        expect(JSON.parse(line.slice('  input.predicate["a"] == '.length))).toBe(value)
        expect(module).toMatch(/^[\n -~]*$/)
      }),
    )
  })

  test('the repository of the image itself cannot be compared', () => {
    const condition = { path: ['resourceUri'], is: 'resource', environment: 'production' } as const
    expect(errorOf(() => regoModule('https://x', ['t'], [condition])).code).toBe('policy/not-expressible')
  })
})
