import { objectAt } from '../core/shape.ts'
import { type GithubApi, type Question, shaped } from './api.ts'
import { idAt } from './wire.ts'

/** The platform's number of a repository: its name can be given to another one. @throws what the API refuses, kind unknown. */
export async function repositoryIdOf(api: GithubApi, repository: string): Promise<number> {
  const question: Question = { of: `the repository ${repository}`, permission: 'metadata: read' }
  const value = await api.get(`/repos/${repository}`, question)
  return shaped(question, () => idAt(objectAt(value, 'repository').id, 'repository.id'))
}
