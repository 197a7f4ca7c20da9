import { cacheOf, tufCacheOf } from '../../src/entry/tuf-cache.ts'

test('13-adversary 29: what is kept of trust roots never lies in the folder that is judged, whatever a variable says', () => {
  expect(tufCacheOf({ XDG_CACHE_HOME: '/cache', HOME: '/home/alice' }, '/work')).toBe('/cache/waybill/tuf')
  for (const XDG_CACHE_HOME of ['', '.', 'cache', '../cache'])
    expect(cacheOf({ XDG_CACHE_HOME, HOME: '/home/alice' }, '/work')).toBe('/home/alice/.cache')
  expect(cacheOf({}, '/work')).toBe('/work/.cache')
})
