import { WaybillError } from '../../../src/core/error.ts'
import { verifyBundle } from '../../../src/sigstore/verify/verify.ts'
import type { Service } from '../../fakes/service.ts'
import { type Bench, openBench, statement } from '../support.ts'

let bench: Bench
let second: Bench
beforeAll(async () => {
  ;[bench, second] = await Promise.all([openBench(), openBench({ rekor: 'v2' })])
})
afterAll(() => Promise.all([bench.close(), second.close()]))

/** Every value of the wrong type or size that a field may be given. */
const WRONG: readonly unknown[] = [
  null,
  -1,
  2 ** 60,
  '',
  '\u202e',
  'A'.repeat(100_000),
  {},
  { __proto__: null, toString: 'x' },
  Array.from({ length: 5_000 }, () => 'ab'.repeat(32)),
]

type Path = readonly string[]

/** An entry's UUID is its key in the answer of Rekor v1, and another one each time. */
const UUID = /^[0-9a-f]{80}$/

/** Places of a JSON value: of lists only the first item. */
function places(json: unknown, path: Path = []): readonly Path[] {
  if (typeof json !== 'object' || json === null) return [path]
  const entries = Array.isArray(json) ? Object.entries(json).slice(0, 1) : Object.entries(json)
  return [path, ...entries.flatMap(([key, value]) => places(value, [...path, UUID.test(key) ? 'uuid' : key]))]
}

const LEFT_OUT = Symbol('left out')

function replaced(json: unknown, [first, ...rest]: Path, value: unknown): unknown {
  if (first === undefined) return value
  const copy = { ...(json as Record<string, unknown>) }
  const key = first === 'uuid' ? (Object.keys(copy)[0] ?? '') : first
  const inner = rest.length === 0 ? value : replaced(copy[key], rest, value)
  copy[key] = inner
  if (inner === LEFT_OUT) delete copy[key]
  return Array.isArray(json) ? Object.values(copy) : copy
}

/** Every way in which an answer can differ from the honest one in one place. */
function lies(honest: unknown): readonly (readonly [string, Path, unknown])[] {
  return places(honest).flatMap(path => {
    const values = path.length === 0 ? WRONG : [LEFT_OUT, ...WRONG]
    return values.map((value, n) => [`${path.join('.')} made wrong in way ${n}`, path, value] as const)
  })
}

describe.each<[string, () => Bench, (b: Bench) => Service]>([
  ['certificate authority', () => bench, b => b.stack.fulcio],
  ['log (v1)', () => bench, b => b.stack.rekorV1],
  ['log (v2)', () => second, b => b.stack.rekorV2],
])('an answer of the %s that is wrong in one place', (_, ofBench, of) => {
  test('never crashes, never rejects, and never makes a bundle that does not verify', async () => {
    const b = ofBench()
    const service = of(b)
    let honest: unknown
    service.rewrite = answer => {
      honest = answer.body
      return answer
    }
    await b.session().sign(statement())
    const session = () => b.session({ trust: async () => b.trust, retryBudgetMs: 1 })
    const one = session()
    for (const [what, path, value] of lies(honest)) {
      service.rewrite = answer => ({ ...answer, body: Buffer.from(JSON.stringify(replaced(answer.body, path, value))) })
      const outcome = await (service === b.stack.fulcio ? session() : one).sign(statement()).then(
        ({ bundle }) => verifyBundle(bundle, b.trust).signer.kind,
        error => (error instanceof WaybillError ? error.kind : `${what}: ${String(error)}`),
      )
      expect([what, outcome]).toEqual([what, expect.stringMatching(/^(certificate|unknown)$/)])
    }
    service.rewrite = undefined
  })
})

describe('an answer that never ends', () => {
  test.each(['fulcio', 'rekorV1', 'timestamp'] as const)('of the %s is given up, and is unknown', async name => {
    const service = bench.stack[name]
    service.faults.add({ times: Infinity, fault: { status: 200, headers: { 'content-length': '50000' }, body: '{' } })
    const error = await bench
      .session({ requestMs: 200, retryBudgetMs: 1 })
      .sign(statement())
      .catch(e => e)
    service.faults.clear()
    expect([error.code, error.kind]).toEqual([expect.stringMatching(/-unavailable$/), 'unknown'])
  })
})
