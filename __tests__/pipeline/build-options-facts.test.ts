import { buildOptionFacts } from '../../src/pipeline/build-options-facts.ts'
import { A } from './materials-world.ts'

const build = (over: object) => ({ build: over }) as unknown as Parameters<typeof buildOptionFacts>[0]
const built = (over: object) =>
  ({ materials: { judged: [], contexts: new Map(), ...over } }) as unknown as Parameters<typeof buildOptionFacts>[1]
const IMAGE = 'docker-image://ghcr.io/acme/tools:1'

test('names and ids are recorded, and where nothing was given nothing', () => {
  const facts = buildOptionFacts(
    build({
      secrets: [{ id: 'npm', file: '/run/secrets/0' }],
      ssh: [{ id: 'default', paths: ['/tmp/agent'] }],
      contexts: new Map([
        ['lib', 'commit:shared/lib'],
        ['tools', IMAGE],
      ]),
      cacheFrom: ['type=gha'],
      cacheTo: ['type=inline'],
    }),
    built({}),
  )
  expect(facts).toEqual({
    secrets: ['npm'],
    ssh: ['default'],
    buildContexts: [
      { name: 'lib', from: 'commit' },
      { name: 'tools', from: 'image', verified: 'none' },
    ],
    cacheFrom: ['type=gha'],
    cacheTo: ['type=inline'],
  })
  expect(JSON.stringify(facts)).not.toMatch(/\/run|\/tmp|shared/)
  expect(buildOptionFacts(build({}), built({}))).toEqual({})
})

test('an image says how it was verified, if it was', () => {
  const asked = build({ contexts: new Map([['tools', IMAGE]]) })
  const contexts = new Map([['tools', `${IMAGE}@${A}`]])
  const judged = { digest: { sha256: A.slice(7) }, verdict: 'passed', proof: { kind: 'digest' } }
  const verified = (over: object) =>
    buildOptionFacts(asked, built({ contexts, judged: [{ ...judged, ...over }] })).buildContexts?.[0]?.verified
  expect(verified({})).toBe('pinned')
  expect(verified({ verdict: 'rejected' })).toBe('none')
})
