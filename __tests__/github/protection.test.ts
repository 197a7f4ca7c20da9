import { coversRef, refProtection } from '../../src/github/protection.ts'
import type { ModelRuleset } from '../fakes/github-model.ts'
import { codeOf, GithubWorld, known, NAME } from './world.ts'

let world: GithubWorld
beforeEach(async () => {
  world = await GithubWorld.start()
  world.model.permissions.add('administration')
})
afterEach(async () => {
  world.github.expectNothingUnexpected()
  await world.close()
})

const ask = (ref: string) => refProtection(world.api(), NAME, ref)
const ruleset = (over: Partial<ModelRuleset>) =>
  world.repository.rulesets.push({
    id: world.repository.rulesets.length + 1,
    name: 'guard',
    target: 'branch',
    include: ['~ALL'],
    rules: [{ type: 'update' }],
    ...over,
  })

describe('13-adversary 28: refProtection() of a branch', () => {
  test('13-adversary 28: a branch without any rule is not protected', async () => {
    expect(known(await ask('refs/heads/main'))).toEqual({ protected: false, by: [] })
  })

  test('13-adversary 28: a rule against direct pushes protects it', async () => {
    ruleset({ include: ['~DEFAULT_BRANCH'], rules: [{ type: 'update' }, { type: 'deletion' }] })
    expect(known(await ask('refs/heads/main'))).toEqual({
      protected: true,
      by: [`rule update of ruleset 1 of ${NAME}`],
    })
    expect(known(await ask('refs/heads/other')).protected).toBe(false)
  })

  test.each([
    {
      given: 'rules against deletion and force pushes',
      over: { rules: [{ type: 'deletion' }, { type: 'non_fast_forward' }] },
    },
    { given: 'a ruleset that is only evaluated', over: { enforcement: 'evaluate' as const } },
    { given: 'a ruleset for tags', over: { target: 'tag' as const } },
  ])('13-adversary 28: $given do not protect it', async ({ over }) => {
    ruleset(over)
    expect(known(await ask('refs/heads/main')).protected).toBe(false)
  })

  test.each([
    {
      given: 'reviews',
      settings: { required_pull_request_reviews: reviews() },
      by: ['branch protection: pull request reviews'],
    },
    { given: 'a lock', settings: { lock_branch: { enabled: true } }, by: ['branch protection: locked'] },
    { given: 'an open lock', settings: { lock_branch: { enabled: false } }, by: [] },
    { given: 'nothing that stops a push', settings: { enabled: true }, by: [] },
  ])('branch protection with $given', async ({ settings, by }) => {
    world.repository.protection.set('main', settings)
    expect(known(await ask('refs/heads/main'))).toEqual({ protected: by.length > 0, by })
  })

  test('a name with a slash is one name', async () => {
    world.repository.protection.set('release/1', { lock_branch: { enabled: true } })
    expect(known(await ask('refs/heads/release/1')).protected).toBe(true)
  })

  test('without the right to read the settings, a branch with protection is unknown and one without is not protected', async () => {
    world.model.permissions.delete('administration')
    world.repository.protection.set('main', { lock_branch: { enabled: true } })
    expect(codeOf(await ask('refs/heads/main'))).toBe('github/api-permission')
    expect(known(await ask('refs/heads/other')).protected).toBe(false)
  })

  test('without any right everything is unknown', async () => {
    world.model.permissions.clear()
    expect(codeOf(await ask('refs/heads/main'))).toBe('github/api-permission')
    expect(codeOf(await ask('refs/tags/v*'))).toBe('github/api-permission')
  })
})

describe('13-adversary 28: refProtection() of a pattern', () => {
  const TAG_RULES = [{ type: 'creation' }, { type: 'update' }]

  test('13-adversary 28: tags are protected only when nobody may make or move them', async () => {
    ruleset({ target: 'tag', include: ['refs/tags/v*'], rules: [{ type: 'update' }] })
    expect(known(await ask('refs/tags/v*'))).toEqual({ protected: false, by: [] })
    ruleset({
      target: 'tag',
      include: ['refs/tags/*'],
      rules: [{ type: 'creation' }],
      bypass: [{ actor_type: 'Team', actor_id: 1 }],
    })
    expect(known(await ask('refs/tags/v*'))).toEqual({
      protected: true,
      by: ['ruleset 1 (guard)', 'ruleset 2 (guard), which 1 may bypass'],
    })
  })

  test('13-adversary 28: an exception in the ruleset is a door', async () => {
    ruleset({ target: 'tag', include: ['refs/tags/v*'], exclude: ['refs/tags/v0*'], rules: TAG_RULES })
    expect(known(await ask('refs/tags/v*')).protected).toBe(false)
    expect(known(await ask('refs/tags/v1*')).protected).toBe(true)
  })

  test('branches are protected by a ruleset over all of them; classic protection of patterns cannot be read', async () => {
    expect(codeOf(await ask('refs/heads/release/*'))).toBe('github/protection-unknown')
    ruleset({ include: ['refs/heads/release/**/*'] })
    expect(known(await ask('refs/heads/release/*')).protected).toBe(true)
    expect(known(await ask('refs/heads/release/**')).protected).toBe(true)
  })

  test('other refs have no protection', async () => {
    expect(known(await ask('refs/notes/x'))).toEqual({ protected: false, by: [] })
  })
})

describe('coversRef()', () => {
  test.each([
    { include: ['~ALL'], ref: 'refs/heads/**', covers: true },
    { include: ['~DEFAULT_BRANCH'], ref: 'refs/heads/main', covers: true },
    { include: ['~DEFAULT_BRANCH'], ref: 'refs/heads/m*', covers: false },
    { include: ['refs/heads/main'], ref: 'refs/heads/main', covers: true },
    { include: ['refs/heads/v*'], ref: 'refs/heads/v1', covers: true },
    { include: ['refs/heads/v*'], ref: 'refs/heads/v1/x', covers: false },
    { include: ['refs/heads/v*'], ref: 'refs/heads/v*', covers: true },
    { include: ['refs/heads/v*'], ref: 'refs/heads/v**', covers: false },
    { include: ['refs/heads/v**'], ref: 'refs/heads/v**', covers: false },
    { include: ['refs/heads/v*'], ref: 'refs/heads/*', covers: false },
    { include: ['refs/heads/*1'], ref: 'refs/heads/v1', covers: false },
    { include: ['refs/heads/**/*'], ref: 'refs/heads/a/b', covers: true },
    { include: [], ref: 'refs/heads/main', covers: false },
    { include: ['~ALL'], exclude: ['refs/heads/x*'], ref: 'refs/heads/main', covers: true },
    { include: ['~ALL'], exclude: ['refs/heads/*'], ref: 'refs/heads/main', covers: false },
    { include: ['~ALL'], exclude: ['refs/heads/mainly'], ref: 'refs/heads/main', covers: true },
    { include: ['~ALL'], exclude: ['refs/heads/mainly'], ref: 'refs/heads/main*', covers: false },
    { include: ['~ALL'], exclude: ['~DEFAULT_BRANCH'], ref: 'refs/heads/main', covers: false },
    { include: ['~ALL'], exclude: ['~DEFAULT_BRANCH'], ref: 'refs/tags/v1', covers: true },
    { include: ['~ALL'], exclude: ['~ALL'], ref: 'refs/tags/v1', covers: false },
  ])('$include without $exclude over $ref: $covers', ({ include, exclude = [], ref, covers }) => {
    expect(coversRef({ include, exclude }, ref, 'refs/heads/main')).toBe(covers)
  })
})

function reviews(): object {
  return { dismiss_stale_reviews: true, require_code_owner_reviews: false }
}
