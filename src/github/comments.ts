import { fail, type WaybillError } from '../core/error.ts'
import { isObject, type Json } from '../core/json.ts'
import { objectAt, stringAt } from '../core/shape.ts'
import type { HttpAnswer } from '../io/http.ts'
import type { CommentPort, OwnComment, RunFacts } from '../pipeline/comment.ts'
import { type GithubApi, type Question, shaped } from './api.ts'
import { messageOf } from './api-failure.ts'
import { commitIdAt, idAt, nullable } from './wire.ts'

export interface CommentsOptions {
  readonly api: GithubApi
  /** `owner/name` of the pull request. */
  readonly repository: string
  readonly pull: number
}

/** Who a token writes as. `id` is absent where the platform did not say. */
interface Author {
  readonly login: string
  readonly id?: number
}

/** What the token of a job writes as; brackets are in no login that anybody can register. */
const JOB_TOKEN: Author = { login: 'github-actions[bot]' }
const VIEWER_QUERY = 'query { viewer { login databaseId } }'
const WRITE = 'pull-requests: write'
/** Longer than another run takes from reading the comment to writing it: whoever was overwritten meanwhile sees it. */
const PAUSE_MS = 1_500

/** Comments of one pull request (docs.github.com/rest/issues/comments), as far as one token may see and write them. */
export function pullComments({ api, repository, pull }: CommentsOptions): CommentPort {
  const base = `/repos/${repository.split('/').map(encodeURIComponent).join('/')}`
  const list = `${base}/issues/${pull}/comments`
  const one = (id: number) => `${base}/issues/comments/${id}`
  const reading = (what: string): Question => ({
    of: `${what} of pull request ${pull} of ${repository}`,
    permission: WRITE,
  })
  const writing: Question = { ...reading('the comment'), refused: lockedOr(pull), waits: true }
  let author: Promise<Author> | undefined
  return {
    head: async () => {
      const question = reading('the head')
      const answer = await api.get(`${base}/pulls/${pull}`, question)
      return shaped(question, () =>
        commitIdAt(objectAt(objectAt(answer, 'pull').head, 'pull.head').sha, 'pull.head.sha'),
      )
    },
    own: async () => {
      author ??= authorOf(api)
      return ownComments(api, list, reading('the comments'), await author)
    },
    create: async body => {
      const answer = await api.post(list, { body }, writing)
      return shaped(writing, () => commentAt(answer))
    },
    update: async (id, body) => {
      const answer = await api.change('PATCH', one(id), { body }, { ...writing, absent: 'Not Found' })
      return answer === undefined ? undefined : shaped(writing, () => commentAt(answer))
    },
    remove: async id => {
      await api.change('DELETE', one(id), undefined, { ...writing, absent: 'Not Found' })
    },
    run: (id, attempt) => runOf(api, `${base}/actions/runs/${id}/attempts/${attempt}`, repository),
    changesGithub: () => changesGithub(api, `${base}/pulls/${pull}/files`, reading('the files')),
    pause: round => api.clock.sleep(Math.round(PAUSE_MS * (0.5 + round * api.clock.random()))),
  }
}

/** GraphQL tells the token of a job who it is; REST does so for people alone. */
async function authorOf(api: GithubApi): Promise<Author> {
  try {
    const question = { of: 'who the token is', permission: 'metadata: read' }
    const { data } = await api.graphql(VIEWER_QUERY, {}, question)
    return shaped(question, () => {
      const viewer = objectAt(data.viewer, 'viewer')
      const id = nullable(viewer.databaseId ?? null, idAt, 'viewer.databaseId')
      return { login: stringAt(viewer.login, 'viewer.login'), ...(id === undefined ? {} : { id }) }
    })
  } catch {
    return JOB_TOKEN
  }
}

async function ownComments(
  api: GithubApi,
  path: string,
  question: Question,
  author: Author,
): Promise<readonly OwnComment[]> {
  const own: OwnComment[] = []
  for await (const page of api.pages(path, question)) {
    for (const item of page.items)
      own.push(...shaped(question, () => (isBy(objectAt(item, 'comments[]').user, author) ? [commentAt(item)] : [])))
    // The oldest come first, and ours is among the oldest: the rest could only hold what a race left.
    if (page.last && page.more && own.length === 0)
      throw fail(
        'github/comment-crowded',
        'The pull request has more comments than are read, none of them of this token',
        {
          found: 'a list that goes on',
        },
      )
  }
  return own.toSorted((a, b) => a.id - b.id)
}

/** Null: an account that is gone. A name alone could be given to somebody else, so the number decides where it is known. */
function isBy(user: Json | undefined, { login, id }: Author): boolean {
  if (!isObject(user) || typeof user.login !== 'string') return false
  if (id !== undefined) return user.id === id
  return user.login === login
}

function commentAt(value: Json): OwnComment {
  const comment = objectAt(value, 'comment')
  return {
    id: idAt(comment.id, 'comment.id'),
    body: typeof comment.body === 'string' ? comment.body : '',
    url: stringAt(comment.html_url, 'comment.html_url'),
  }
}

async function runOf(api: GithubApi, path: string, repository: string): Promise<RunFacts | undefined> {
  const question = { of: `a run of ${repository}`, permission: 'actions: read', absent: 'Not Found' }
  const answer = await api.get(path, question)
  if (answer === undefined) return undefined
  return shaped(question, () => {
    const run = objectAt(answer, 'run')
    return {
      repositoryId: idAt(objectAt(run.repository, 'run.repository').id, 'run.repository.id'),
      head: stringAt(run.head_sha, 'run.head_sha'),
      path: stringAt(run.path, 'run.path'),
    }
  })
}

/** GitHub lists three thousand files at most; where the list goes on, nobody can say that the rest is none of these. */
async function changesGithub(api: GithubApi, path: string, question: Question): Promise<boolean | 'unknown'> {
  let count = 0
  for await (const page of api.pages(path, question)) {
    for (const item of page.items) {
      const file = shaped(question, () => objectAt(item, 'files[]'))
      const names = [file.filename, file.previous_filename]
      if (names.some(name => typeof name === 'string' && name.startsWith('.github/'))) return true
    }
    count += page.items.length
    if (page.last && (page.more || count >= 3000)) return 'unknown'
  }
  return false
}

/** @returns what a 403 means when it is no missing permission. */
function lockedOr(pull: number): (answer: HttpAnswer) => WaybillError | undefined {
  return answer => {
    const said = messageOf(answer)
    if (answer.status !== 403 || !/\block(?:ed)?\b/i.test(said)) return undefined
    return fail('github/comment-locked', `The conversation of pull request ${pull} is locked`, { found: said })
  }
}
