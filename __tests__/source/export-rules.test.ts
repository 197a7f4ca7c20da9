import { posix } from 'node:path'
import fc from 'fast-check'
import { checkLinkTarget, usesExportAttributes } from '../../src/source/export-rules.ts'

test.each([
  { path: 'link', target: 'file' },
  { path: 'a/link', target: '../file' },
  { path: 'a/b/link', target: '../../c/d' },
  { path: 'a/link', target: './x' },
  { path: 'a/link', target: '..' },
  { path: 'link', target: '.' },
  { path: 'link', target: '..file' },
  { path: 'link', target: 'nowhere/at/all' },
])('checkLinkTarget() lets $path point at $target', ({ path, target }) => {
  expect(checkLinkTarget(path, target)).toBeUndefined()
})

test.each([
  { path: 'link', target: '' },
  { path: 'link', target: '/' },
  { path: 'link', target: '//x' },
  { path: 'link', target: '..' },
  { path: 'a/link', target: '../..' },
  { path: 'a/b/link', target: '.././../../x' },
  { path: 'a/link', target: 'x/..' },
  { path: 'a/link', target: '../x/../y' },
  { path: 'link', target: '.git/config' },
  { path: 'a/link', target: '../.GIT' },
  { path: 'link', target: 'a\0b' },
])('checkLinkTarget() refuses $path → $target', ({ path, target }) => {
  expect(checkLinkTarget(path, target)).toBeDefined()
})

test('what checkLinkTarget() accepts never leaves the tree, whatever other accepted links stand on the way', () => {
  const part = fc.constantFrom('..', '.', 'a', 'b', 'c')
  const links = fc.array(
    fc.tuple(fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }), fc.array(part)),
  )
  fc.assert(
    fc.property(links, fc.array(part), (rows, start) => {
      const world = new Map<string, string>()
      for (const [path, target] of rows) {
        const name = path.join('/')
        // A tree has one entry a name, and no entries below a link.
        const clash = [...world.keys()].some(
          other => other === name || other.startsWith(`${name}/`) || name.startsWith(`${other}/`),
        )
        if (!clash && checkLinkTarget(name, target.join('/')) === undefined) world.set(name, target.join('/'))
      }
      if (checkLinkTarget('start', start.join('/')) === undefined) expect(resolve(world, start)).not.toBe('outside')
    }),
    { numRuns: 2000 },
  )
})

/** Follows a path as a kernel does: link after link, `..` from where one really is. */
function resolve(world: ReadonlyMap<string, string>, parts: readonly string[]): string {
  const todo = [...parts]
  let here = ''
  for (let steps = 0; steps < 200; steps++) {
    const next = todo.shift()
    if (next === undefined) return here
    if (next === '.' || next === '') continue
    if (next === '..') {
      if (here === '') return 'outside'
      here = posix.dirname(here) === '.' ? '' : posix.dirname(here)
      continue
    }
    const path = here === '' ? next : `${here}/${next}`
    const link = world.get(path)
    if (link === undefined) here = path
    else todo.unshift(...link.split('/'))
  }
  return 'too many links'
}

test.each([
  { text: '* export-ignore', found: true },
  { text: 'a b\r\n*.c\texport-subst\r\n', found: true },
  { text: '[attr]x export-subst', found: true },
  { text: 'x export-subst=true', found: true },
  { text: '# * export-ignore', found: false },
  { text: 'export-ignore', found: false },
  { text: '* export-ignored', found: false },
  { text: '', found: false },
])('usesExportAttributes() of $text is $found', ({ text, found }) => {
  expect(usesExportAttributes(Buffer.from(text))).toBe(found)
})
