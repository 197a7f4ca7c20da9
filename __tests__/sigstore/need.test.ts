import type { TrustRoot } from '../../src/sigstore/trust/root.ts'
import { needUnder } from '../../src/sigstore/verify/need.ts'

const some = [{}]

test.each([
  ['a file that names no log', 'file:sha256:0', [], some, [], { logs: 0 }],
  ['a file that names no certificate log', 'file:sha256:0', some, [], [], { scts: 0 }],
  ['a file that names both', 'file:sha256:0', some, some, [], {}],
  ['a file whose log cannot be used', 'file:sha256:0', [], some, ['a log with an unknown key'], {}],
  ['the public root, whatever came of it', 'public-good', [], [], [], {}],
  ['a mirror that names both', 'mirror:https://tuf.example.com', some, some, [], {}],
  ['a mirror that names neither', 'mirror:https://tuf.example.com', [], [], [], { logs: 0, scts: 0 }],
  ['a mirror whose log cannot be used', 'mirror:https://tuf.example.com', [], [], ['an unknown key'], {}],
  ['GitHub’s own, whatever came of it', 'github', [], some, ['a log'], { logs: 0, scts: 0, timestamps: 1 }],
])('needUnder() of %s', (_what, origin, tlogs, ctlogs, unusable, expected) => {
  const root = { origin, unusable, material: { tlogs, ctlogs } } as unknown as TrustRoot
  expect(needUnder(root)).toEqual(expected)
})
