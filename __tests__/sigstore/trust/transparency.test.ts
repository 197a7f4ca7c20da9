import type { SigningServices } from '../../../src/sigstore/trust/services.ts'
import {
  assertTransparencyAllowed,
  isPublicGood,
  type TransparencyLog,
} from '../../../src/sigstore/trust/transparency.ts'
import { codeOf, errorOf } from '../support.ts'

const services = (host: string): SigningServices => ({
  fulcioUrl: `https://fulcio.${host}`,
  rekor: [{ url: `https://rekor.${host}`, majorApiVersion: 1, operator: host }],
  tsa: [`https://timestamp.${host}/api/v1/timestamp`],
  oidcIssuers: [],
  selection: { rekor: 1, tsa: 1 },
})
const open = services('sigstore.dev')
const own = services('example.com')

describe('isPublicGood()', () => {
  test.each([
    ['the public instance', open, true],
    ['own services', own, false],
    ['a host that only looks like it', services('sigstore.dev.example.com'), false],
    ['a host that only ends like it', services('notsigstore.dev'), false],
    ['an own authority with the public log', { ...own, rekor: open.rekor }, true],
    ['an own authority with the public timestamps', { ...own, tsa: open.tsa }, true],
    ['the host in capitals, with a dot', { ...own, fulcioUrl: 'https://FULCIO.Sigstore.DEV./x' }, true],
  ])('given %s', (_, given, expected) => {
    expect(isPublicGood(given)).toBe(expected)
  })
})

describe('assertTransparencyAllowed()', () => {
  const rows: [string | undefined, TransparencyLog, SigningServices, boolean, boolean][] = [
    ['public', 'auto', open, false, true],
    ['public', 'auto', own, false, true],
    ['private', 'auto', open, false, false],
    ['internal', 'auto', open, false, false],
    [undefined, 'auto', open, false, false],
    ['PUBLIC', 'auto', open, false, false],
    ['', 'auto', open, false, false],
    ['private', 'auto', own, false, false],
    ['private', 'auto', own, true, false],
    ['private', 'public', open, false, true],
    ['private', 'own', own, false, true],
    ['private', 'own', open, false, false],
    ['private', 'own', { ...own, fulcioUrl: open.fulcioUrl ?? '' }, false, false],
    ['private', 'own', { ...own, rekor: open.rekor }, false, false],
    ['private', 'own', { ...own, rekor: open.rekor }, true, false],
    ['private', 'none', own, false, true],
    ['private', 'none', open, false, false],
    ['private', 'none', open, true, true],
    ['public', 'own', open, false, false],
    ['public', 'none', open, false, false],
  ]
  test.each(rows)(
    '13-adversary 23: visibility %s, transparency-log %s',
    async (visibility, transparencyLog, given, key, allowed) => {
      const code = await codeOf(() => assertTransparencyAllowed({ visibility, transparencyLog, services: given, key }))
      expect(code).toBe(allowed ? undefined : 'sigstore/private-repository')
    },
  )

  test('13-adversary 23: says the three lines to paste, and ends as a configuration error', async () => {
    const error = await errorOf(() =>
      assertTransparencyAllowed({ visibility: 'private', transparencyLog: 'auto', services: open }),
    )
    expect(error?.kind).toBe('configuration')
    for (const line of ['transparency-log: public', 'transparency-log: own', 'transparency-log: none'])
      expect(error?.remedy).toContain(line)
  })
})
