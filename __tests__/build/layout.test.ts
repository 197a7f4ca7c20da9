import { LayoutBuilder, pushEverywhere } from '../../src/build/layout.ts'
import { NoneBuilder } from '../../src/build/none.ts'
import { DIGEST, errorOf, FakeLayouts, OTHER, request, temporaryFolder } from './support.ts'

test('LayoutBuilder pushes the layout to every repository by digest', async () => {
  const layouts = new FakeLayouts()
  const path = temporaryFolder()
  const result = await new LayoutBuilder(path, layouts).build(request({ images: ['a.example/x', 'b.example/y'] }))
  expect(layouts.calls).toEqual([`read ${path}`, `push a.example/x ${path}`, `push b.example/y ${path}`])
  expect(result).toMatchObject({
    digest: DIGEST,
    builder: 'layout',
    pushedTo: ['a.example/x', 'b.example/y'],
    layout: path,
  })
})

test('LayoutBuilder without push only reads', async () => {
  const layouts = new FakeLayouts()
  const path = temporaryFolder()
  const result = await new LayoutBuilder(path, layouts).build(request({ push: false }))
  expect(layouts.calls).toEqual([`read ${path}`])
  expect(result.pushedTo).toEqual([])
})

test('a layout that is not there', async () => {
  const error = await errorOf(new LayoutBuilder('/nowhere/layout', new FakeLayouts()).build(request()))
  expect(error.code).toBe('build/layout-missing')
})

test('another image in a registry than in the layout stops the run', async () => {
  const layouts = new FakeLayouts()
  layouts.pushDigest = OTHER
  expect(await errorOf(pushEverywhere(layouts, '/x', ['a.example/x']))).toMatchObject({
    code: 'build/digest-mismatch',
    expected: DIGEST,
    found: OTHER,
  })
})

test('13-adversary 15: layout and none claim neither conditions nor tools of a build', async () => {
  for (const builder of [new LayoutBuilder(temporaryFolder(), new FakeLayouts()), new NoneBuilder(DIGEST)]) {
    const result = await builder.build(request())
    expect(result.digest).toBe(DIGEST)
    expect(result.conditions).toBeUndefined()
    expect(result.tools).toEqual([])
    expect(result.notes.join()).toContain('nothing says that it came from the commit')
  }
})

test.each([new NoneBuilder(DIGEST), new LayoutBuilder('/x', new FakeLayouts())])(
  'builders that build nothing check repositories, too',
  async builder => {
    expect((await errorOf(builder.build(request({ images: ['A/b:c'] })))).code).toBe('build/request-malformed')
  },
)
