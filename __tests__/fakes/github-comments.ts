import type { Model, ModelComment, ModelPull, ModelRepository } from './github-model.ts'
import { error, NOT_FOUND, simpleUser } from './github-rest.ts'
import type { ServiceAnswer } from './service.ts'

const LONG_AGO = '2020-01-01T00:00:00Z'
/** What GitHub takes of one comment. */
const MAX = 65_536

/** Comments of a pull request, oldest first, as the API lists them. */
export function listedComments(model: Model, repository: ModelRepository, pull: ModelPull): readonly object[] {
  return (pull.comments ?? []).map(comment => commentBody(model, repository, pull, comment))
}

export function writeComment(model: Model, repository: ModelRepository, pull: ModelPull, body: Buffer): ServiceAnswer {
  model.meanwhile?.()
  if (pull.locked === true) return LOCKED
  const text = textOf(body)
  if (text.length > MAX) return TOO_LONG
  const comment: ModelComment = { author: model.writer().login, body: text }
  pull.comments = [...(pull.comments ?? []), comment]
  return { status: 201, body: commentBody(model, repository, pull, comment) }
}

export function changeComment(model: Model, repository: ModelRepository, id: number, body: Buffer): ServiceAnswer {
  model.meanwhile?.()
  const { pull, comment } = find(repository, id)
  if (pull === undefined || comment === undefined) return NOT_FOUND
  if (pull.locked === true) return LOCKED
  const text = textOf(body)
  if (text.length > MAX) return TOO_LONG
  comment.body = text
  return { status: 200, body: commentBody(model, repository, pull, comment) }
}

export function removeComment(model: Model, repository: ModelRepository, id: number): ServiceAnswer {
  model.meanwhile?.()
  const { pull, comment } = find(repository, id)
  if (pull === undefined || comment === undefined) return NOT_FOUND
  pull.comments = (pull.comments ?? []).filter(item => item !== comment)
  return { status: 204, body: '' }
}

const LOCKED = error(403, 'Unable to create comment because issue is locked.')
const TOO_LONG = error(422, 'Validation Failed')

function find(
  { pulls }: ModelRepository,
  id: number,
): { readonly pull: ModelPull | undefined; readonly comment: ModelComment | undefined } {
  const pull = pulls.find(({ comments = [] }) => comments.some(comment => comment.id === id))
  return { pull, comment: pull?.comments?.find(comment => comment.id === id) }
}

function textOf(body: Buffer): string {
  return (JSON.parse(body.toString('utf8')) as { body: string }).body
}

function commentBody(model: Model, repository: ModelRepository, pull: ModelPull, comment: ModelComment): object {
  const id = model.numbered(comment)
  const user = model.users.get(comment.author)
  return {
    id,
    body: comment.body,
    html_url: `https://github.com/${repository.name}/pull/${pull.number}#issuecomment-${id}`,
    user: user === undefined ? null : simpleUser(user),
    created_at: LONG_AGO,
    updated_at: LONG_AGO,
  }
}

/** `pull-request` and `pull-request-simple`, as far as anything reads them; a deleted fork is null. */
export function pullBody(model: Model, repository: ModelRepository, pull: ModelPull) {
  const own = { id: repository.id, full_name: repository.name }
  const { headRepository = repository.name } = pull
  const head = headRepository === null ? null : headRepository === repository.name ? own : forkOf(model, headRepository)
  const owner = (head?.full_name ?? 'unknown').split('/', 1)[0] ?? ''
  return {
    id: repository.id * 1000 + pull.number,
    number: pull.number,
    state: pull.mergedAt === undefined && pull.closed !== true ? 'open' : 'closed',
    locked: pull.locked === true,
    head: { label: `${owner}:${pull.headRef}`, ref: pull.headRef, sha: pull.headOid, repo: head },
    base: { ref: pull.base ?? repository.defaultBranch, sha: 'b'.repeat(40), repo: own },
  }
}

function forkOf(model: Model, name: string): { readonly id: number; readonly full_name: string } {
  return { id: model.repositories.get(name)?.id ?? 990, full_name: name }
}
