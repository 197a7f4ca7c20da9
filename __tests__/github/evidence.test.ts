import { sha256 } from '../../src/core/digest.ts'
import { isObject, type Json } from '../../src/core/json.ts'
import { mentionLine } from '../../src/core/review-mention.ts'
import type { ModelReview } from '../fakes/github-model.ts'
import { codeOf, GithubWorld, id, known, NAME, NUMBER, numbered, pull } from './world.ts'

let world: GithubWorld
beforeEach(async () => {
  world = await GithubWorld.start()
})
afterEach(async () => {
  await world.close()
})

describe('githubEvidence().commits()', () => {
  test('tells the account behind a commit, what the platform thinks of its signature, and when it was pushed', async () => {
    const signature = { isValid: true, state: 'VALID', wasSignedByGitHub: false, signer: 'alice' }
    world.repository.commits.set(id('a'), { oid: id('a'), author: 'alice', committer: 'alice', signature })
    world.repository.activity.push({
      actor: 'alice',
      ref: 'refs/heads/main',
      after: id('a'),
      at: '2026-04-01T10:00:00Z',
    })
    const [answer] = await world.platform().commits([id('a')])
    expect(known(answer)).toEqual({
      id: id('a'),
      author: { id: 101, login: 'alice' },
      verification: { verified: true, state: 'VALID', signer: 'alice' },
      pushedAt: new Date('2026-04-01T10:00:00Z'),
      pulls: [],
    })
    world.github.expectNothingUnexpected()
  })

  test('answers in the order asked, also for more commits than one query takes', async () => {
    const ids = Array.from({ length: 60 }, (_, n) => numbered(n + 1))
    for (const oid of ids) world.repository.commits.set(oid, { oid, author: 'bob' })
    const answers = await world.platform().commits(ids)
    expect(answers.map(answer => known(answer).id)).toEqual(ids)
    expect(world.double.queries).toHaveLength(3)
    world.github.expectNothingUnexpected()
  })

  test('tells a merged pull request whole', async () => {
    const reviews: ModelReview[] = [
      { author: 'carol', state: 'CHANGES_REQUESTED', commit: id('1'), submittedAt: '2026-04-30T09:00:00Z' },
      { author: 'bob', state: 'APPROVED', commit: id('a'), submittedAt: '2026-05-01T09:30:00Z' },
      { author: 'carol', state: 'COMMENTED', commit: id('a'), submittedAt: '2026-05-01T09:40:00Z' },
      { author: 'ghost', state: 'APPROVED', commit: id('a'), submittedAt: '2026-05-01T09:20:00Z', mayWrite: false },
    ]
    const baseChanges = [
      { kind: 'BaseRefChangedEvent', at: '2026-04-29T08:00:00Z' },
      { kind: 'BaseRefForcePushedEvent', at: '2026-04-30T08:00:00Z' },
    ] as const
    world.model.merge(world.repository, pull({ reviews, baseChanges, reviewDecision: 'APPROVED' }))
    const [answer] = await world.platform().commits([id('f')])
    expect(known(answer).pulls).toEqual([
      {
        number: 7,
        url: `https://github.com/${NAME}/pull/7`,
        author: { id: 101, login: 'alice' },
        baseRepositoryId: NUMBER,
        baseRef: 'refs/heads/main',
        mergeCommit: id('f'),
        mergedAt: new Date('2026-05-01T10:00:00Z'),
        mergedBy: { id: 102, login: 'bob' },
        head: id('a'),
        headPushedAt: new Date('2026-05-01T09:00:00Z'),
        baseChangedAt: new Date('2026-04-30T08:00:00Z'),
        commits: [{ id: id('a'), author: { id: 101, login: 'alice' }, committer: { id: 101, login: 'alice' } }],
        commitsComplete: true,
        reviews: [
          {
            author: { id: 103, login: 'carol' },
            state: 'changes-requested',
            commit: id('1'),
            submittedAt: new Date('2026-04-30T09:00:00Z'),
            mayWrite: true,
          },
          { state: 'approved', commit: id('a'), submittedAt: new Date('2026-05-01T09:20:00Z'), mayWrite: false },
          {
            author: { id: 102, login: 'bob' },
            state: 'approved',
            commit: id('a'),
            submittedAt: new Date('2026-05-01T09:30:00Z'),
            mayWrite: true,
          },
        ],
        reviewsComplete: true,
        lastPusher: { kind: 'known', account: { id: 101, login: 'alice' } },
        reviewDecision: 'APPROVED',
        mentions: [],
        commentsComplete: true,
      },
    ])
    expect(known(answer).pushedAt).toEqual(new Date('2026-05-01T10:00:00Z'))
    world.github.expectNothingUnexpected()
  })

  test('leaves out pull requests that are not merged, and asks about each of the others once', async () => {
    const platform = world.platform()
    const commits = [{ oid: id('a') }, { oid: id('b') }]
    const { mergedAt: _, mergeCommit: __, mergedBy: ___, ...open } = pull({ number: 8, commits })
    world.repository.pulls.push(open)
    world.model.merge(world.repository, pull({ commits }))
    const answers = await platform.commits([id('a'), id('b'), id('f')])
    const again = await platform.commits([id('f')])
    expect([...answers, ...again].map(answer => known(answer).pulls.map(({ number }) => number))).toEqual([
      [7],
      [7],
      [7],
      [7],
    ])
    expect(world.double.queries.filter(query => query.includes('query Pulls('))).toHaveLength(1)
  })

  test('13-adversary 8: an app is one account, whether it authors a commit or opens the pull request', async () => {
    const bot = 'renovate[bot]'
    world.repository.commits.set(id('f'), { oid: id('f'), author: bot })
    world.model.merge(world.repository, pull({ author: bot, commits: [{ oid: id('a'), author: bot, committer: bot }] }))
    const [answer] = await world.platform().commits([id('f')])
    const { author, pulls } = known(answer)
    expect([author, pulls[0]?.author, pulls[0]?.commits[0]?.author]).toEqual(Array(3).fill({ id: 104, login: bot }))
  })

  test('13-adversary 8: says which repository the base of a pull request belongs to, for the judge to compare', async () => {
    const other = world.model.repository('mallory/app', 666)
    world.model.merge(other, pull())
    world.model.merge(world.repository, pull({ number: 9, base: 'release/1' }))
    const [answer] = await world.platform().commits([id('f')])
    expect(known(answer).pulls.map(({ baseRepositoryId, baseRef }) => [baseRepositoryId, baseRef])).toEqual([
      [NUMBER, 'refs/heads/release/1'],
    ])
  })

  test.each([
    { commits: 249, listed: 249, complete: true },
    { commits: 250, listed: 250, complete: false },
    { commits: 300, listed: 250, complete: false },
  ])('13-adversary 10: of $commits commits of a pull request $listed are listed, complete: $complete', async row => {
    const commits = Array.from({ length: row.commits }, (_, n) => ({ oid: numbered(n + 1), author: 'alice' }))
    world.model.merge(world.repository, pull({ commits }))
    const [answer] = await world.platform().commits([id('f')])
    const [found] = known(answer).pulls
    expect([found?.commits.length, found?.commitsComplete]).toEqual([row.listed, row.complete])
    world.github.expectNothingUnexpected()
  })

  test('reads reviews page by page', async () => {
    const reviews = Array.from({ length: 230 }, (_, n) => ({
      author: 'bob',
      state: 'APPROVED' as const,
      commit: numbered(n),
      submittedAt: new Date(Date.parse('2026-04-01T00:00:00Z') + n * 1000).toISOString(),
    }))
    world.model.merge(world.repository, pull({ reviews }))
    const [answer] = await world.platform().commits([id('f')])
    const [found] = known(answer).pulls
    expect([found?.reviews.length, found?.reviewsComplete]).toEqual([230, true])
  })

  test('13-adversary 11: reads which review statements its comments speak of, page by page, and nothing else of them', async () => {
    const ref = `refs/waybill/reviews/${id('a')}/alice`
    const statement = sha256('statement')
    const comments = Array.from({ length: 60 }, () => ({ author: 'bob', body: 'looks good\n' }))
    comments.push({ author: 'alice', body: `I approve.\r\n\r\n${mentionLine({ ref, statement })}\r\n` })
    comments.push({ author: 'ghost', body: mentionLine({ ref, statement }) })
    world.model.merge(world.repository, pull({ comments }))
    const [answer] = await world.platform().commits([id('f')])
    const [found] = known(answer).pulls
    expect([found?.mentions, found?.commentsComplete]).toEqual([
      [
        { ref, head: id('a'), principal: 'alice', statement, author: { id: 101, login: 'alice' } },
        { ref, head: id('a'), principal: 'alice', statement },
      ],
      true,
    ])
    world.github.expectNothingUnexpected()
  })

  test('13-adversary 13: comments too long for one answer of ten pull requests are read for each alone', async () => {
    const commits = [{ oid: id('a') }]
    for (let n = 1; n <= 4; n++) {
      const comments = Array.from({ length: 25 }, () => ({ author: 'ghost', body: '\u00e9'.repeat(65_536) }))
      world.model.merge(world.repository, pull({ number: n, commits, comments, mergeCommit: numbered(n) }))
    }
    const [answer] = await world.platform().commits([id('a')])
    expect(known(answer).pulls.map(({ number, commentsComplete }) => [number, commentsComplete])).toEqual(
      [1, 2, 3, 4].map(number => [number, true]),
    )
  })

  test('reads the pull requests of a commit page by page', async () => {
    for (let n = 1; n <= 45; n++)
      world.model.merge(world.repository, pull({ number: n, mergeCommit: numbered(n), associated: [id('f')] }))
    const [answer] = await world.platform().commits([id('f')])
    expect(known(answer).pulls).toHaveLength(45)
    world.github.expectNothingUnexpected()
  })
})

describe('13-adversary 10: the last pusher', () => {
  const push = (actor: string, at: string, over: object = {}) =>
    world.repository.activity.unshift({ actor, ref: 'refs/heads/feature', after: id('a'), at, ...over })
  const lastPusher = async () => known((await world.platform().commits([id('f')]))[0]).pulls[0]?.lastPusher
  const RULESET = {
    id: 5,
    name: 'reviews',
    target: 'branch' as const,
    include: ['~DEFAULT_BRANCH'],
    updatedAt: '2026-01-01T00:00:00Z',
    rules: [{ type: 'pull_request', parameters: lastPushApproval(true) }],
  }

  test('13-adversary 10: whoever pushed the head last counts, not its author and not whoever pushed it first', async () => {
    world.repository.pulls.push(pull())
    push('alice', '2026-05-01T08:00:00Z')
    push('carol', '2026-05-01T08:30:00Z', { after: id('b'), type: 'force_push' })
    push('bob', '2026-05-01T09:00:00Z', { type: 'force_push' })
    expect(await lastPusher()).toEqual({ kind: 'known', account: { id: 102, login: 'bob' } })
  })

  test.each([
    { given: 'a push of the same commit to another branch', over: { ref: 'refs/heads/other' } },
    { given: 'a push after the merge', over: { at: '2026-05-01T11:00:00Z' } },
    { given: 'a push of another commit', over: { after: id('b') } },
    { given: 'a push by an account that is gone', over: { actor: 'ghost' } },
  ])('13-adversary 10: $given is no last push, so the pusher is unknown', async ({ over }) => {
    world.repository.pulls.push(pull())
    push('bob', '2026-05-01T09:00:00Z', over)
    expect(await lastPusher()).toMatchObject({ kind: 'unknown' })
  })

  test('is looked for in the fork that the head lies in', async () => {
    const fork = world.model.repository('alice/app', 9)
    fork.activity.push({ actor: 'carol', ref: 'refs/heads/feature', after: id('a'), at: '2026-05-01T09:00:00Z' })
    world.repository.pulls.push(pull({ headRepository: 'alice/app' }))
    expect(await lastPusher()).toEqual({ kind: 'known', account: { id: 103, login: 'carol' } })
    world.github.expectNothingUnexpected()
  })

  test('a push to a branch of the same name in the base repository says nothing about a fork', async () => {
    world.model.repository('alice/app', 9)
    world.repository.pulls.push(pull({ headRepository: 'alice/app' }))
    push('bob', '2026-05-01T09:00:00Z')
    expect(await lastPusher()).toMatchObject({ kind: 'unknown' })
  })

  test.each([
    { given: 'a ruleset that binds everybody', ruleset: {}, kind: 'others-must-approve' },
    { given: 'one that some may bypass', ruleset: { bypass: [{ actor_type: 'Team', actor_id: 3 }] }, kind: 'unknown' },
    { given: 'one whose bypass is not shown', ruleset: { bypass: 'hidden' as const }, kind: 'unknown' },
    { given: 'one that was edited after the merge', ruleset: { updatedAt: '2026-05-02T00:00:00Z' }, kind: 'unknown' },
    { given: 'one for another branch', ruleset: { include: ['refs/heads/release'] }, kind: 'unknown' },
    {
      given: 'one that asks for reviews alone',
      ruleset: { rules: [{ type: 'pull_request', parameters: lastPushApproval(false) }] },
      kind: 'unknown',
    },
  ])('13-adversary 10: without a record, $given makes the last pusher $kind', async ({ ruleset, kind }) => {
    world.model.permissions.add('administration')
    world.repository.pulls.push(pull({ headRepository: null }))
    world.repository.rulesets.push({ ...RULESET, ...ruleset })
    expect(await lastPusher()).toMatchObject({ kind })
    world.github.expectNothingUnexpected()
  })

  test('is unknown, with the reason, when the activity may not be read; the rest of the answer stands', async () => {
    world.model.merge(world.repository, pull())
    world.model.permissions.delete('contents')
    const [answer] = await world.platform().commits([id('f')])
    expect(known(answer).pulls[0]?.lastPusher).toMatchObject({
      kind: 'unknown',
      why: expect.stringContaining('does not show the activity of acme/app'),
    })
    expect(known(answer)).not.toHaveProperty('pushedAt')
  })

  test('is found far back in the record, which is read once however many ask', async () => {
    for (let n = 0; n < 450; n++) push('bob', '2026-05-01T09:00:00Z', { ref: 'refs/heads/busy', after: numbered(n) })
    for (let n = 1; n <= 3; n++) {
      const head = numbered(1000 + n)
      world.repository.pulls.push(
        pull({ number: n, headOid: head, mergeCommit: numbered(2000 + n), commits: [{ oid: head }] }),
      )
      world.repository.activity.push({
        actor: 'alice',
        ref: 'refs/heads/feature',
        after: head,
        at: '2026-04-01T09:00:00Z',
      })
    }
    const platform = world.platform()
    const answers = await Promise.all([1, 2, 3].map(n => platform.commits([numbered(2000 + n)])))
    const kinds = answers.map(([answer]) => known(answer).pulls[0]?.lastPusher.kind)
    expect(kinds).toEqual(['known', 'known', 'known'])
    expect(world.asked(/activity/)).toBe(5)
  })
})

function lastPushApproval(required: boolean): object {
  return {
    dismiss_stale_reviews_on_push: true,
    require_code_owner_review: false,
    require_last_push_approval: required,
    required_approving_review_count: 1,
    required_review_thread_resolution: false,
  }
}

describe('an answer that cannot be trusted is unavailable, never empty', () => {
  beforeEach(() => world.model.merge(world.repository, pull()))

  const codes = async (over: Parameters<GithubWorld['platform']>[0] = {}) =>
    (await world.platform(over).commits([id('f'), id('e')])).map(codeOf)

  test('a commit that the platform does not know', async () => {
    world.repository.absent.add(id('e'))
    expect(await codes()).toEqual(['known', 'github/api-commit-unknown'])
  })

  test('a repository that took over the name', async () => {
    expect(await codes({ repositoryId: '815' })).toEqual(Array(2).fill('github/api-other-repository'))
  })

  test('a token without pull-requests: read, with the permission in the remedy', async () => {
    world.model.permissions.delete('pull-requests')
    const answers = await world.platform().commits([id('f')])
    expect(answers.map(codeOf)).toEqual(['github/api-permission'])
    expect(answers[0]?.kind === 'unavailable' && answers[0].cause.remedy).toContain('pull-requests: read')
  })

  test.each([
    { given: '401', fault: { status: 401 }, code: 'github/api-permission' },
    { given: '403', fault: { status: 403 }, code: 'github/api-permission' },
    { given: '404', fault: { status: 404 }, code: 'github/api-permission' },
    { given: '422', fault: { status: 422 }, code: 'github/api-refused' },
    { given: '502 for ever', fault: { status: 502 }, code: 'github/api-refused' },
    { given: 'a cut connection', fault: 'cut' as const, code: 'core/unreachable' },
    { given: 'half an answer', fault: 'cut-body' as const, code: 'core/unreachable' },
    { given: 'an answer that is no JSON', fault: { status: 200, body: '<html>' }, code: 'github/api-malformed' },
    { given: 'a key twice', fault: { status: 200, body: '{"data":{},"data":{}}' }, code: 'github/api-malformed' },
    { given: 'no data', fault: { status: 200, body: '{}' }, code: 'github/api-malformed' },
    { given: 'null data', fault: { status: 200, body: '{"data":null}' }, code: 'github/api-malformed' },
    {
      given: 'no repository',
      fault: { status: 200, body: '{"data":{"repository":null}}' },
      code: 'github/api-malformed',
    },
    { given: 'too much', fault: { status: 200, body: ' '.repeat(9 << 20) }, code: 'core/answer-too-large' },
  ])('$given', async ({ fault, code }) => {
    world.github.faults.add({ path: /graphql/, times: Number.POSITIVE_INFINITY, fault })
    expect(await codes()).toEqual([code, code])
  })

  test('what passes by itself is asked again', async () => {
    world.github.faults.add({ path: /graphql/, times: 3, fault: { status: 503 } })
    world.github.faults.add({ path: /graphql/, times: 1, fault: 'cut' })
    expect(await codes()).toEqual(['known', 'known'])
    expect(world.pauses).toHaveLength(4)
  })

  /** Changes the answers to one of the queries at a path of names and positions. */
  const distort = (query: RegExp, path: readonly (string | number)[], value: Json, error?: object) => {
    world.double.distort = (document, text) => {
      if (!query.test(text)) return document
      const parent = path.slice(0, -1).reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], document.data)
      ;(parent as Record<string, unknown>)[path.at(-1) ?? ''] = value
      if (error !== undefined) document.errors = [{ message: 'Resource not accessible', path, ...error }]
      return document
    }
  }
  const COMMITS = /query Commits/
  const PULLS = /query Pulls/

  test.each([
    {
      given: 'errors beside one commit’s data',
      query: COMMITS,
      path: ['repository', 'c0'],
      error: { type: 'FORBIDDEN' },
    },
    {
      given: 'errors inside one commit’s data',
      query: COMMITS,
      path: ['repository', 'c0', 'signature'],
      error: { type: 'X' },
    },
    { given: 'another commit', query: COMMITS, path: ['repository', 'c0', 'oid'], value: id('1') },
    { given: 'something that is no commit', query: COMMITS, path: ['repository', 'c0', '__typename'], value: 'Blob' },
    {
      given: 'an author without a number',
      query: COMMITS,
      path: ['repository', 'c0', 'author'],
      value: { user: { login: 'x' } },
    },
    { given: 'no list of pull requests', query: COMMITS, path: ['repository', 'c0', 'associatedPullRequests'] },
    {
      given: 'a pull request that may not be seen',
      query: COMMITS,
      path: ['repository', 'c0', 'associatedPullRequests', 'nodes', 0],
    },
    { given: 'a null pull request', query: PULLS, path: ['nodes', 0] },
    { given: 'another pull request', query: PULLS, path: ['nodes', 0, 'id'], value: 'PR_1_1' },
    { given: 'an error in a pull request', query: PULLS, path: ['nodes', 0, 'reviews'], error: { type: 'FORBIDDEN' } },
    { given: 'a head that is no commit', query: PULLS, path: ['nodes', 0, 'headRefOid'], value: 'HEAD' },
    { given: 'a time that is none', query: PULLS, path: ['nodes', 0, 'mergedAt'], value: 'yesterday' },
    { given: 'a base that no branch may be called', query: PULLS, path: ['nodes', 0, 'baseRefName'], value: '../main' },
    { given: 'a decision of another kind', query: PULLS, path: ['nodes', 0, 'reviewDecision'], value: 'MAYBE' },
    { given: 'fewer pull requests than asked', query: PULLS, path: ['nodes'], value: [] },
  ])('$given', async ({ query, path, value = null, error }) => {
    distort(query, path, value, error)
    const [first, second] = await codes()
    expect(first).toMatch(/^github\/api-/)
    expect(second).toBe('known')
  })

  test.each([
    { given: 'a null commit', path: ['nodes', 0, 'commits', 'nodes', 0], value: null, flags: [false, true] },
    { given: 'a larger total of commits', path: ['nodes', 0, 'commits', 'totalCount'], value: 2, flags: [false, true] },
    { given: 'a larger total of reviews', path: ['nodes', 0, 'reviews', 'totalCount'], value: 9, flags: [true, false] },
  ])('13-adversary 10: $given makes the list incomplete', async ({ path, value, flags }) => {
    distort(PULLS, path, value)
    const [answer] = await world.platform().commits([id('f')])
    const [found] = known(answer).pulls
    expect([found?.commitsComplete, found?.reviewsComplete]).toEqual(flags)
  })

  test('a page that names itself as the next ends as incomplete', async () => {
    world.double.distort = document => {
      const { data } = document
      const nodes = data?.nodes as Record<string, unknown>[] | undefined
      const node = nodes?.[0] ?? (isObject(data?.node as Json) ? (data?.node as Record<string, unknown>) : undefined)
      const page = (node?.commits ?? node?.page) as { pageInfo: object } | undefined
      if (page !== undefined) page.pageInfo = { hasNextPage: true, endCursor: '0' }
      return document
    }
    const [answer] = await world.platform().commits([id('f')])
    expect(known(answer).pulls[0]?.commitsComplete).toBe(false)
    expect(world.double.queries.length).toBeLessThan(6)
  })

  test('13-adversary 13: the time for questions ends, and what was not asked is unknown', async () => {
    const ids = Array.from({ length: 80 }, (_, n) => numbered(n + 1))
    world.double.distort = document => {
      world.now += 6_000
      return document
    }
    const answers = await world.platform({ budgetMs: 10_000 }).commits(ids)
    expect([...new Set(answers.map(codeOf))]).toEqual(['known', 'github/api-deadline'])
  })
})

describe('rate limits', () => {
  const limit = (over: { status?: number; headers?: Record<string, string>; body?: string; times?: number }) => {
    const { status = 403, headers = {}, body = '{"message":"no"}', times = 1 } = over
    world.github.faults.add({ path: /graphql/, times, fault: { status, headers, body } })
  }
  const inSeconds = (seconds: number) => String(Math.floor(world.now / 1000) + seconds)

  test.each([
    { given: '429 with retry-after', headers: { 'retry-after': '7' }, status: 429, waits: 7_000 },
    { given: '403 with retry-after', headers: { 'retry-after': '7' }, status: 403, waits: 7_000 },
    {
      given: 'a secondary limit in words',
      body: '{"message":"You have exceeded a secondary rate limit."}',
      waits: 60_000,
    },
  ])('$given is waited for', async ({ given: _, waits, ...fault }) => {
    limit(fault)
    expect((await world.platform().commits([id('f')])).map(codeOf)).toEqual(['known'])
    expect(world.pauses).toEqual([waits])
  })

  test.each([{ status: 403 }, { status: 429 }])(
    'a primary limit of $status is waited for when its reset is near',
    async ({ status }) => {
      limit({ status, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': inSeconds(20) } })
      expect((await world.platform().commits([id('f')])).map(codeOf)).toEqual(['known'])
      expect(world.pauses).toEqual([21_000])
    },
  )

  test('one of GraphQL comes with status 200', async () => {
    const body = '{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded"}]}'
    limit({ status: 200, body, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': inSeconds(20) } })
    expect((await world.platform().commits([id('f')])).map(codeOf)).toEqual(['known'])
    expect(world.pauses).toEqual([21_000])
  })

  test('a reset that is far is not waited for, and told with its time', async () => {
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': inSeconds(3_000) }
    limit({ headers, times: Number.POSITIVE_INFINITY })
    const [answer] = await world.platform().commits([id('f')])
    expect(codeOf(answer)).toBe('github/api-rate-limited')
    expect(answer?.kind === 'unavailable' && answer.cause.remedy).toContain('2026-05-01T12:50:01')
    expect(world.pauses).toEqual([])
  })
})

describe('githubEvidence().signingKeys()', () => {
  const ARMOR = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxsBN\n-----END PGP PUBLIC KEY BLOCK-----\n'

  test('are what the server publishes, asked for once and without the token', async () => {
    world.github.on('GET', '/web-flow.gpg', { status: 200, body: ARMOR })
    const platform = world.platform()
    const [first, second] = await Promise.all([platform.signingKeys(), platform.signingKeys()])
    expect(new TextDecoder().decode(known(first))).toBe(ARMOR)
    expect(second).toBe(first)
    const requests = world.github.log.filter(({ path }) => path === '/web-flow.gpg')
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([undefined])
  })

  test.each([
    { given: 'a page that says no', answer: { status: 404, body: ARMOR } },
    { given: 'something else', answer: { status: 200, body: '<html>' } },
    { given: 'a private key', answer: { status: 200, body: ARMOR.replaceAll('PUBLIC', 'PRIVATE') } },
  ])('are unavailable when the server has $given', async ({ answer }) => {
    world.github.on('GET', '/web-flow.gpg', answer)
    expect(codeOf(await world.platform().signingKeys())).toBe('github/api-refused')
  })
})

test('queries that GitHub would refuse fail here: the double runs them against the published schema', async () => {
  const question = { of: 'nothing', permission: 'none' }
  const wrong = world
    .api()
    .graphql('query { repository(owner: "acme", name: "app") { databaseIdentity } }', {}, question)
  await expect(wrong).rejects.toMatchObject({ code: 'github/api-refused' })
  expect(() => world.github.expectNothingUnexpected()).toThrow('Cannot query field "databaseIdentity"')
})
