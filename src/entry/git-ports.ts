import { join } from 'node:path'
import { LIMITS } from '../core/limits.ts'
import type { AttestPorts } from '../pipeline/attest-request.ts'
import { type History, type HistoryOptions, openHistory, resolveRef, resolveTag } from '../source/git.ts'
import { ReviewRefs } from '../source/review-refs.ts'
import type { AttestWorld } from './attest-world.ts'
import { requireGit } from './workspace.ts'

type Opening = Pick<HistoryOptions, 'folder' | 'head' | 'also'> & { readonly repository?: string }

/** The run's repository, and that of an organisation's policy, read from the same server with the same token. */
export function gitPorts(world: AttestWorld): Pick<AttestPorts, 'git' | 'policyRepository'> {
  const { folder } = world
  const stage = new SourceStage(world)
  let opened = 0
  let reviews: ReviewRefs | undefined
  return {
    git: {
      openHistory: (head, also) => stage.open({ folder: join(folder, 'git', String(opened++)), head, also }),
      resolveRef: ref => resolveRef({ ...stage.options(), folder: join(folder, 'git', 'refs') }, ref),
      resolveTag: ref => resolveTag({ ...stage.options(), folder: join(folder, 'git', 'refs') }, ref),
      reviews: heads => {
        reviews ??= new ReviewRefs({ ...stage.options(), folder: join(folder, 'git', 'reviews') })
        return reviews.about(heads)
      },
      endStage: () => stage.end(),
      stop: () => stage.stop(),
    },
    policyRepository: repository => ({
      openHistory: head => stage.open({ folder: join(folder, 'git', `policy-${opened++}`), head, repository }),
      resolveRef: ref => resolveRef({ ...stage.options(repository), folder: join(folder, 'git', 'policy-refs') }, ref),
    }),
  }
}

/** One deadline for all that the source stage asks, from its first question on (13-adversary 13). */
class SourceStage {
  readonly #world: AttestWorld
  readonly #stopped = new AbortController()
  readonly #histories: History[] = []
  #deadline: Date | undefined

  constructor(world: AttestWorld) {
    this.#world = world
  }

  options(repository = this.#world.context.repository): Omit<HistoryOptions, 'folder' | 'head' | 'also'> {
    const { env, context, inputs } = this.#world
    this.#deadline ??= new Date(Date.now() + LIMITS.sourceStageMs)
    return {
      git: requireGit(env),
      url: `${context.serverUrl}/${repository}`,
      env,
      signal: this.#stopped.signal,
      deadline: this.#deadline,
      ...(inputs.githubToken === undefined ? {} : { token: inputs.githubToken }),
    }
  }

  async open({ repository, ...place }: Opening): Promise<History> {
    const history = await openHistory({ ...this.options(repository), ...place })
    this.#histories.push(history)
    return history
  }

  /** What is read after the stage has a time of its own. */
  end(): void {
    this.#deadline = undefined
    for (const history of this.#histories) history.endStage()
  }

  stop(): void {
    this.#stopped.abort()
  }
}
