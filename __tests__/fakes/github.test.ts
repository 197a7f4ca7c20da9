import { githubClaims } from './claims.ts'
import { type Github, repositoryOf, startGithub } from './github.ts'

let github: Github
beforeEach(async () => {
  github = await startGithub({
    token: 'right',
    repositories: new Map([
      repositoryOf(githubClaims()),
      repositoryOf(githubClaims({ repository: 'acme/secret', repository_id: '7', repository_visibility: 'private' })),
    ]),
  })
})
afterEach(() => github.close())

function get(path: string, token?: string): Promise<Response> {
  return fetch(github.url + path, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })
}

describe('the GitHub double', () => {
  test('describes a repository by the claims of its runs', async () => {
    expect(await (await get('/repos/acme/app')).json()).toMatchObject({
      id: 792829709,
      full_name: 'acme/app',
      private: false,
      visibility: 'public',
      default_branch: 'main',
      owner: { login: 'acme', id: 39804210 },
    })
  })

  test.each([
    { given: 'no token', path: '/repos/acme/secret', token: undefined, status: 404 },
    { given: 'a wrong token', path: '/repos/acme/app', token: 'wrong', status: 401 },
    { given: 'the token', path: '/repos/acme/secret', token: 'right', status: 200 },
    { given: 'a repository that is not there', path: '/repos/acme/none', token: 'right', status: 404 },
  ])('given $given answers $status for $path', async ({ path, token, status }) => {
    expect((await get(path, token)).status).toBe(status)
    expect(() => github.expectNothingUnexpected()).not.toThrow()
  })

  test('remembers what nobody foresaw', async () => {
    github.on('GET', '/repos/acme/app/pulls/1', { status: 200, body: { number: 1 } })
    expect(await (await get('/repos/acme/app/pulls/1')).json()).toEqual({ number: 1 })
    expect((await get('/repos/acme/app/pulls/2')).status).toBe(404)
    expect(() => github.expectNothingUnexpected()).toThrow('GET /repos/acme/app/pulls/2')
  })
})
