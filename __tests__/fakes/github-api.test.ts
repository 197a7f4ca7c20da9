import { type Github, startGithub } from './github.ts'
import { addGithubApi, type GithubApiDouble } from './github-api.ts'
import { answerProblems, matchEndpoint, OPENAPI, questionProblems } from './github-openapi.ts'

let github: Github
let api: GithubApiDouble
beforeEach(async () => {
  const facts = { id: 1, ownerId: 2, visibility: 'public', defaultBranch: 'main' } as const
  github = await startGithub({ token: 'right', repositories: new Map([['acme/app', facts]]) })
  api = addGithubApi(github)
  api.model.user('alice', 101, { email: 'alice@example.com' }).sshSigningKeys.push('ssh-ed25519 AAAA')
  api.model.members.set('acme', ['alice'])
})
afterEach(() => github.close())

const get = (path: string, token = 'right') =>
  fetch(github.url + path, { headers: { authorization: `Bearer ${token}` } })
const ask = async (query: string) => {
  const body = JSON.stringify({ query })
  const answer = await fetch(`${github.url}/graphql`, {
    method: 'POST',
    body,
    headers: { authorization: 'Bearer right' },
  })
  return (await answer.json()) as { errors?: { message: string }[]; data?: unknown }
}

describe('the double of GitHub’s API', () => {
  test('names the version of the description that it is checked against', () => {
    expect(OPENAPI.source).toMatch(/^@octokit\/openapi \d+\.\d+\.\d+,/)
  })

  test.each([
    '/users/alice',
    '/users/alice/gpg_keys',
    '/users/alice/ssh_signing_keys',
    '/orgs/acme/members',
    '/repos/acme/app',
    '/repos/acme/app/activity',
    '/repos/acme/app/rulesets?targets=tag',
    '/repos/acme/app/rules/branches/a%2Fb',
    '/repos/acme/app/branches/main',
  ])('answers %s as GitHub describes it', async path => {
    const answer = await get(path)
    const endpoint = matchEndpoint('GET', path.split('?', 1)[0] ?? '')?.endpoint ?? ''
    expect(answer.status).toBe(200)
    expect(answerProblems(endpoint, await answer.json())).toEqual([])
    github.expectNothingUnexpected()
  })

  test('complains about parameters and values that GitHub does not have', async () => {
    await get('/repos/acme/app/activity?page=2')
    expect(() => github.expectNothingUnexpected()).toThrow('GET /repos/{owner}/{repo}/activity has no parameter page')
    expect(questionProblems('GET /repos/{owner}/{repo}/rulesets', new URLSearchParams('per_page=abc'))).toHaveLength(1)
  })

  test('complains about answers of its own that GitHub would not give', () => {
    expect(answerProblems('GET /users/{username}/ssh_signing_keys', [{ id: 1, key: 'x', title: 'y' }])).toEqual([
      'GET /users/{username}/ssh_signing_keys[0].created_at is missing',
    ])
  })

  test.each([
    { given: 'a field that the schema has not', query: '{ viewer { loginn } }', message: 'Cannot query field' },
    {
      given: 'a list without bounds',
      query:
        '{ repository(owner: "acme", name: "app") { object(oid: "a") { ... on Commit { associatedPullRequests { totalCount } } } } }',
      message: 'You must provide `first` or `last`',
    },
    {
      given: 'a list of more than 100',
      query:
        '{ repository(owner: "acme", name: "app") { object(oid: "a") { ... on Commit { associatedPullRequests(first: 101) { totalCount } } } } }',
      message: 'exceeds the limit of 100',
    },
    {
      given: 'a repository that is not there',
      query: '{ repository(owner: "acme", name: "x") { id } }',
      message: 'Could not resolve',
    },
  ])('refuses $given in a query', async ({ query, message }) => {
    expect((await ask(query)).errors?.[0]?.message).toContain(message)
  })

  test('refuses a wrong token everywhere, and a query without one', async () => {
    expect((await get('/users/alice', 'wrong')).status).toBe(401)
    expect((await fetch(`${github.url}/graphql`, { method: 'POST', body: '{}' })).status).toBe(401)
  })
})
