import { imageSubjects } from '../../src/statements/subjects.ts'
import { digestOf } from './facts.ts'

test('imageSubjects() names the index in every repository and each platform once', () => {
  const subjects = imageSubjects({
    repositories: ['ghcr.io/acme/app', 'quay.io/acme/app'],
    digest: digestOf('1'),
    platforms: [
      { platform: 'linux/amd64', digest: digestOf('2') },
      { platform: 'linux/arm64', digest: digestOf('3') },
    ],
  })
  expect(subjects.map(subject => [subject.name, subject.digest.sha256?.[0]])).toEqual([
    ['ghcr.io/acme/app', '1'],
    ['quay.io/acme/app', '1'],
    ['ghcr.io/acme/app#linux/amd64', '2'],
    ['ghcr.io/acme/app#linux/arm64', '3'],
  ])
})
