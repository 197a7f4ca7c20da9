import { placesBelow } from '../../src/entry/deploy-files.ts'

test('files of one name never write over each other, whatever the others are called', () => {
  expect(placesBelow(['k8s/app.yml', 'web.yml', '-'])).toEqual(['k8s/app.yml', 'web.yml', 'stdin.yaml'])
  const names = ['2/app.yml', '/elsewhere/app.yml', '../app.yml', '../../app.yml', 'stdin.yaml', '-', './app.yml']
  const places = placesBelow(names)
  expect(places.slice(0, 2)).toEqual(['2/app.yml', 'app.yml'])
  expect(new Set(places).size).toBe(names.length)
})

test('a name that leads elsewhere stays below the folder', () => {
  for (const place of placesBelow(['../../etc/x.yml', '/etc/y.yml', 'a/../../z.yml', '..', '/', '']))
    expect(place).toMatch(/^(?!\.\.?(?:\/|$))[^/]/)
})
