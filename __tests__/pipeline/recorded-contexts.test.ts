import { recordedContexts } from '../../src/pipeline/provenance-facts.ts'
import { A } from './materials-world.ts'

type Materials = Parameters<typeof recordedContexts>[1]
const materials = (over: object) => ({ judged: [], contexts: new Map(), ...over }) as unknown as Materials
const IMAGE = 'docker-image://ghcr.io/acme/tools:1'

test('of a named context its name and kind are recorded, and no path', () => {
  const given = new Map([
    ['lib', 'commit:shared/lib'],
    ['tools', IMAGE],
  ])
  // The stage hands on those of the inputs, too.
  const contexts = new Map([...given, ['repo', '/run/materials/repo']])
  expect(recordedContexts(given, materials({ contexts }))).toEqual([
    { name: 'lib', from: 'commit' },
    { name: 'tools', from: 'image', verified: 'none' },
    { name: 'repo', from: 'material' },
  ])
  expect(recordedContexts(new Map(), materials({}))).toEqual([])
})

test('an image says how it was verified, if it was', () => {
  const contexts = new Map([['tools', `${IMAGE}@${A}`]])
  const judged = {
    kind: 'image',
    name: 'x',
    digest: { sha256: A.slice(7) },
    verdict: 'passed',
    proof: { kind: 'digest' },
  }
  const verified = (over: object) =>
    recordedContexts(new Map([['tools', IMAGE]]), materials({ contexts, judged: [{ ...judged, ...over }] })).at(0)
  expect(verified({})).toEqual({ name: 'tools', from: 'image', verified: 'pinned' })
  expect(verified({ verdict: 'rejected' })).toEqual({ name: 'tools', from: 'image', verified: 'none' })
})
