import { GithubApi } from '../../src/github/api.ts'
import { type Github, startGithub } from '../fakes/github.ts'
import { errorOf } from './support.ts'
import { GithubWorld } from './world.ts'

const QUESTION = { of: 'the thing', permission: 'contents: read' }

let world: GithubWorld
let elsewhere: Github
beforeEach(async () => {
  world = await GithubWorld.start()
  elsewhere = await startGithub()
})
afterEach(async () => {
  await world.close()
  await elsewhere.close()
})

describe('GithubApi', () => {
  test('sends the token, the accepted type and the version of the API', async () => {
    world.github.on('GET', '/thing', { status: 200, body: { a: 1 } })
    expect(await world.api().get('/thing', QUESTION)).toEqual({ a: 1 })
    expect(world.github.log[0]?.headers).toMatchObject({
      authorization: 'Bearer secret',
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
    })
  })

  test('sends no authorization without a token', async () => {
    world.github.on('GET', '/thing', { status: 200, body: {} })
    await world.api({ token: undefined }).get('/thing', QUESTION)
    expect(world.github.log[0]?.headers).not.toHaveProperty('authorization')
  })

  test('follows the redirect of a renamed repository on the API’s own server', async () => {
    const location = `${world.github.url}/repositories/7`
    world.github.on('GET', '/repos/acme/old', { status: 301, headers: { location } })
    world.github.on('GET', '/repositories/7', { status: 200, body: { id: 7 } })
    expect(await world.api().get('/repos/acme/old', QUESTION)).toEqual({ id: 7 })
  })

  test('follows no redirect to another server, so the token stays where it belongs', async () => {
    world.github.on('GET', '/thing', { status: 302, headers: { location: `${elsewhere.url}/thing` } })
    expect((await errorOf(world.api().get('/thing', QUESTION))).code).toBe('github/api-refused')
    expect(elsewhere.log).toEqual([])
  })

  test('gives up on redirects without end', async () => {
    world.github.on('GET', '/thing', { status: 302, headers: { location: '/thing' } })
    expect((await errorOf(world.api().get('/thing', QUESTION))).code).toBe('github/api-refused')
  })

  test('follows no redirect of a query', async () => {
    world.github.faults.add({
      path: /graphql/,
      fault: { status: 307, headers: { location: `${elsewhere.url}/graphql` } },
    })
    expect((await errorOf(world.api().graphql('query { id }', {}, QUESTION))).code).toBe('github/api-refused')
    expect(elsewhere.log).toEqual([])
  })

  test('goes on with a list on the API’s own server only', async () => {
    const link = `<${elsewhere.url}/list?page=2>; rel="next"`
    world.github.on('GET', '/list', { status: 200, headers: { link }, body: [1, 2] })
    expect(await world.api().list('/list', QUESTION)).toEqual([1, 2])
    expect(elsewhere.log).toEqual([])
  })

  test('refuses a list that does not end, rather than taking its beginning for the whole', async () => {
    const link = `<${world.github.url}/list?page=2>; rel="next"`
    world.github.on('GET', '/list', { status: 200, headers: { link }, body: [1] })
    expect(await errorOf(world.api().list('/list', QUESTION))).toMatchObject({
      code: 'github/api-malformed',
      found: 'more than 20 entries',
    })
    expect(world.asked(/list/)).toBe(20)
  })

  test('takes for absent only the 404 whose words say so (13-adversary 5)', async () => {
    const question = { ...QUESTION, absent: 'Branch not protected' }
    world.github.on('GET', '/none', { status: 404, body: { message: 'Branch not protected' } })
    world.github.on('GET', '/hidden', { status: 404, body: { message: 'Not Found' } })
    expect(await world.api().get('/none', question)).toBeUndefined()
    expect((await errorOf(world.api().get('/hidden', question))).code).toBe('github/api-permission')
  })

  test('names the missing permission, and says that its absence proves nothing', async () => {
    world.github.on('GET', '/thing', { status: 403, body: { message: 'Resource not accessible by integration' } })
    expect(await errorOf(world.api().get('/thing', QUESTION))).toMatchObject({
      code: 'github/api-permission',
      kind: 'unknown',
      expected: 'contents: read',
      found: '403 Resource not accessible by integration',
      remedy: 'Give the job (or the token) the permission contents: read.',
    })
  })

  test('writes once, with the token, and gives back what the server made of it', async () => {
    world.github.on('POST', '/things', ({ body }) => ({ status: 201, body: JSON.parse(body.toString()) }))
    expect(await world.api().post('/things', { a: 1 }, QUESTION)).toEqual({ a: 1 })
    expect(world.github.log[0]?.headers).toMatchObject({
      authorization: 'Bearer secret',
      'content-type': 'application/json',
    })
  })

  test.each([
    {
      answer: { status: 403, body: { message: 'Resource not accessible by integration' } },
      code: 'github/api-permission',
    },
    { answer: { status: 502, body: 'Bad Gateway' }, code: 'github/api-refused' },
    { answer: { status: 307, headers: { location: '/elsewhere' } }, code: 'github/api-refused' },
    { answer: { status: 200, body: {} }, code: 'github/api-refused' },
    { answer: { status: 201, body: '{' }, code: 'github/api-malformed' },
  ])('does not write a second time after $answer.status: $code', async ({ answer, code }) => {
    world.github.on('POST', '/things', answer)
    const error = await errorOf(world.api().post('/things', {}, QUESTION))
    expect([error.code, error.kind, world.github.log.length]).toEqual([code, 'unknown', 1])
  })

  test('is not made for a GraphQL address on another server', () => {
    const make = () =>
      new GithubApi({ http: world.http, apiUrl: world.github.url, graphqlUrl: `${elsewhere.url}/graphql`, token: 't' })
    expect(make).toThrow('different servers')
  })
})
