import type { CommitId } from '../../src/core/digest.ts'
import { parseCommitId } from '../../src/core/digest.ts'
import {
  type CommentPort,
  type CommentRequest,
  comment,
  type OwnComment,
  type RunFacts,
} from '../../src/pipeline/comment.ts'
import { readSections } from '../../src/report/comment.ts'
import { errorOf } from '../github/support.ts'
import { LOOSENING, REJECTED, RELEASE } from '../report/receipts.ts'

const HEAD = parseCommitId('c'.repeat(40))
const OLD = parseCommitId('d'.repeat(40))
const REPOSITORY = 4711

/** A pull request in memory, on which several runs may write. */
class Pull {
  comments: OwnComment[] = []
  head: CommitId = HEAD
  readonly runs = new Map<string, RunFacts>()
  writes = 0
  /** Done once, right before the next write. */
  between: (() => void | Promise<void>) | undefined
  #next = 1

  add(body: string): OwnComment {
    const id = this.#next++
    const added = { id, body, url: `https://github.com/acme/app/pull/1#issuecomment-${id}` }
    this.comments = [...this.comments, added]
    return added
  }

  async #interrupted(): Promise<void> {
    const { between } = this
    this.between = undefined
    await between?.()
    this.writes++
  }

  port(over: Partial<CommentPort> = {}): CommentPort {
    return {
      head: async () => this.head,
      own: async () => this.comments,
      create: async body => {
        await this.#interrupted()
        return this.add(body)
      },
      update: async (id, body) => {
        await this.#interrupted()
        const known = this.comments.find(comment => comment.id === id)
        if (known === undefined) return undefined
        const changed = { ...known, body }
        this.comments = this.comments.map(comment => (comment.id === id ? changed : comment))
        return changed
      },
      remove: async id => {
        await this.#interrupted()
        this.comments = this.comments.filter(comment => comment.id !== id)
      },
      run: async (id, attempt) => this.runs.get(`${id}/${attempt}`),
      changesGithub: async () => false,
      pause: async () => {},
      ...over,
    }
  }

  keys(): readonly string[] {
    return this.comments.flatMap(({ body }) => readSections(body).map(({ key }) => key))
  }
}

function request(
  pull: Pull,
  name = 'app',
  over: Partial<CommentRequest> & { id?: string; attempt?: string } = {},
): CommentRequest {
  const { id = '77', attempt = '1', ...rest } = over
  const url = `https://github.com/acme/app/actions/runs/${id}/attempts/${attempt}`
  const head = rest.head ?? HEAD
  pull.runs.set(`${id}/${attempt}`, { repositoryId: REPOSITORY, head, path: '.github/workflows/build.yml' })
  return {
    receipt: RELEASE,
    mode: 'always',
    key: { workflow: 'build.yml', job: 'build', name },
    run: { id, attempt, url },
    head,
    repositoryId: REPOSITORY,
    ...rest,
  }
}

test('the first run writes, the same run again writes nothing, the next one updates in place', async () => {
  const pull = new Pull()
  const first = await comment(request(pull), pull.port())
  expect(first).toEqual({ state: 'written', url: pull.comments[0]?.url })
  expect(await comment(request(pull), pull.port())).toEqual({ state: 'unchanged', url: pull.comments[0]?.url })
  expect(pull.writes).toBe(1)
  expect((await comment(request(pull, 'app', { id: '78', receipt: REJECTED }), pull.port())).state).toBe('written')
  expect([pull.comments.length, pull.writes]).toEqual([1, 2])
  expect(pull.comments[0]?.body).toContain('❌ Rejected')
})

test('steps of a monorepo each have a section in the one comment', async () => {
  const pull = new Pull()
  for (const name of ['web', 'api', 'worker']) await comment(request(pull, name), pull.port())
  expect(pull.comments).toHaveLength(1)
  expect(pull.keys()).toEqual(['build.yml/build/api', 'build.yml/build/web', 'build.yml/build/worker'])
})

test('a deleted comment is written anew', async () => {
  const pull = new Pull()
  await comment(request(pull), pull.port())
  pull.comments = []
  await comment(request(pull), pull.port())
  expect(pull.comments).toHaveLength(1)
})

test('one deleted while it is changed is written anew', async () => {
  const pull = new Pull()
  await comment(request(pull), pull.port())
  pull.between = () => {
    pull.comments = []
  }
  expect((await comment(request(pull, 'app', { id: '78' }), pull.port())).state).toBe('written')
  expect(pull.comments).toHaveLength(1)
})

describe('two runs at once', () => {
  test('that both found nothing leave one comment with both sections, the older one', async () => {
    const pull = new Pull()
    pull.between = () => comment(request(pull, 'api'), pull.port()).then(() => {})
    await comment(request(pull, 'web'), pull.port())
    expect(pull.comments.map(({ id }) => id)).toEqual([1])
    expect(pull.keys()).toEqual(['build.yml/build/api', 'build.yml/build/web'])
  })

  test('that both changed it end with both sections: who was overwritten looks again', async () => {
    const pull = new Pull()
    await comment(request(pull, 'zero'), pull.port())
    const webWrote = Promise.withResolvers<void>()
    const apiWrote = Promise.withResolvers<void>()
    const quiet = pull.port()
    const patient: CommentPort = {
      ...quiet,
      pause: () => {
        apiWrote.resolve()
        return webWrote.promise
      },
    }
    let api: Promise<unknown> = Promise.resolve()
    pull.between = () => {
      api = comment(request(pull, 'api'), patient)
      return apiWrote.promise
    }
    await comment(request(pull, 'web'), pull.port())
    expect(pull.keys()).toEqual(['build.yml/build/web', 'build.yml/build/zero'])
    webWrote.resolve()
    await api
    expect(pull.keys()).toEqual(['build.yml/build/api', 'build.yml/build/web', 'build.yml/build/zero'])
  })

  test('that never end: the last word is an error, not a loop', async () => {
    const pull = new Pull()
    const port = pull.port()
    const busy = {
      ...port,
      own: async () => pull.comments.map(item => ({ ...item, body: `${item.body}\nx${Math.random()}` })),
    }
    expect((await errorOf(comment(request(pull), busy))).code).toBe('github/comment-unsettled')
  })
})

describe('13-adversary 35: a stale run', () => {
  test('of an older head writes nothing', async () => {
    const pull = new Pull()
    expect(await comment(request(pull, 'app', { head: OLD }), pull.port())).toEqual({ state: 'stale' })
    expect(pull.writes).toBe(0)
  })

  test.each([
    ['run', { id: '78' }],
    ['attempt', { attempt: '2' }],
  ] as const)('does not replace what a newer %s of the same head said', async (_name, newer) => {
    const pull = new Pull()
    await comment(request(pull, 'app', newer), pull.port())
    expect(await comment(request(pull), pull.port())).toEqual({ state: 'stale' })
    expect(pull.writes).toBe(1)
  })

  test('a newer run that the platform does not know stops nobody', async () => {
    const pull = new Pull()
    await comment(request(pull, 'app', { id: '999' }), pull.port())
    pull.runs.delete('999/1')
    expect((await comment(request(pull), pull.port())).state).toBe('written')
  })
})

describe('13-adversary 35: a section is dropped, not copied, when its run', () => {
  test.each([
    ['is of another head', { head: OLD }],
    ['is of another repository', { repositoryId: 1 }],
    ['is of another workflow', { path: '.github/workflows/other.yml' }],
    ['is not known', undefined],
  ])('%s', async (_name, facts) => {
    const pull = new Pull()
    await comment(request(pull, 'other', { id: '50' }), pull.port())
    const known = pull.runs.get('50/1')
    if (facts === undefined) pull.runs.delete('50/1')
    else if (known !== undefined) pull.runs.set('50/1', { ...known, ...facts })
    await comment(request(pull), pull.port())
    expect(pull.keys()).toEqual(['build.yml/build/app'])
  })

  test('has no first line of ours', async () => {
    const pull = new Pull()
    pull.add('<!-- waybill:build.yml/build/other -->\n## ✅ Passed: everything')
    await comment(request(pull), pull.port())
    expect(pull.keys()).toEqual(['build.yml/build/app'])
  })

  test('was of a head before the last push', async () => {
    const pull = new Pull()
    pull.head = OLD
    await comment(request(pull, 'other', { id: '50', head: OLD }), pull.port())
    pull.head = HEAD
    await comment(request(pull), pull.port())
    expect(pull.keys()).toEqual(['build.yml/build/app'])
  })
})

describe('on-change', () => {
  const changing = { mode: 'on-change' } as const

  test('is silent while verdict and base images are those that stand', async () => {
    const pull = new Pull()
    await comment(request(pull, 'app', { ...changing, receipt: REJECTED }), pull.port())
    pull.head = OLD
    const next = request(pull, 'app', { ...changing, id: '78', head: OLD, receipt: REJECTED })
    expect((await comment(next, pull.port())).state).toBe('unchanged')
    expect(pull.writes).toBe(1)
    expect((await comment({ ...next, receipt: RELEASE }, pull.port())).state).toBe('written')
    expect(pull.comments[0]?.body).toContain('✅ Passed')
  })

  test('says nothing of a first run that passed with the images of before', async () => {
    const pull = new Pull()
    expect(await comment(request(pull, 'app', changing), pull.port())).toEqual({ state: 'unchanged' })
    expect(pull.comments).toEqual([])
  })
})

test('an old comment of ours with another text before the marker is not taken for the report', async () => {
  const pull = new Pull()
  pull.add('Quoted:\n<!-- waybill:build.yml/build/app -->\nold')
  await comment(request(pull), pull.port())
  expect(pull.comments).toHaveLength(2)
  expect(pull.comments[0]?.body).toMatch(/^Quoted/)
})

describe('13-adversary 35: what another job found is not lost', () => {
  test.each(['build--image.yml', '-build-.yml', 'build (image).yml', "build's~image!.yml", `${'b'.repeat(310)}.yml`])(
    'in a workflow called %s',
    async workflow => {
      const pull = new Pull()
      const of = (name: string, id: string, over: Partial<CommentRequest> = {}) => {
        const asked = request(pull, name, { id, key: { workflow, job: 'build', name }, ...over })
        pull.runs.set(`${id}/1`, { repositoryId: REPOSITORY, head: HEAD, path: `.github/workflows/${workflow}` })
        return asked
      }
      await comment(of('api', '77', { receipt: REJECTED }), pull.port())
      await comment(of('web', '78'), pull.port())
      expect(pull.keys()).toHaveLength(2)
      expect(pull.comments[0]?.body).toContain('❌ Rejected')
      expect((await comment(of('web', '70'), pull.port())).state).toBe('stale')
    },
  )

  test('by a second step of the same attempt with the same key, as the legs of a matrix are', async () => {
    const pull = new Pull()
    await comment(request(pull, 'app', { receipt: REJECTED }), pull.port())
    expect((await comment(request(pull), pull.port())).state).toBe('unchanged')
    expect(pull.comments[0]?.body).toContain('❌ Rejected')
    expect((await comment(request(pull, 'app', { attempt: '2' }), pull.port())).state).toBe('written')
    expect(pull.comments[0]?.body).toContain('✅ Passed')
  })

  test('by a leg that passed and wrote first', async () => {
    const pull = new Pull()
    await comment(request(pull), pull.port())
    await comment(request(pull, 'app', { receipt: REJECTED }), pull.port())
    expect(pull.comments[0]?.body).toContain('❌ Rejected')
  })
})

describe('13-adversary 35: on-change is not silenced', () => {
  const changing = { mode: 'on-change' } as const

  test('by a section whose run is not known', async () => {
    const pull = new Pull()
    await comment(request(pull, 'app', { ...changing, receipt: REJECTED }), pull.port())
    pull.runs.clear()
    const next = request(pull, 'app', { ...changing, id: '78', receipt: REJECTED })
    expect((await comment(next, pull.port())).state).toBe('written')
    expect(pull.comments[0]?.body).toContain('Run 78')
  })

  test('where .github/** changes since', async () => {
    const pull = new Pull()
    const port = pull.port({ changesGithub: async () => true })
    expect((await comment(request(pull, 'app', changing), port)).state).toBe('written')
    await comment(request(pull, 'other', { id: '78' }), pull.port())
    pull.comments = []
    await comment(request(pull, 'app', { id: '79' }), pull.port())
    expect((await comment(request(pull, 'app', { ...changing, id: '80' }), port)).state).toBe('written')
    expect(pull.comments[0]?.body).toContain('changes `.github/**`')
  })

  test('where the rules change', async () => {
    const pull = new Pull()
    await comment(request(pull), pull.port())
    const next = request(pull, 'app', { ...changing, id: '78', receipt: LOOSENING })
    expect((await comment(next, pull.port())).state).toBe('written')
    expect((await comment({ ...next, run: { ...next.run, id: '78' } }, pull.port())).state).toBe('unchanged')
    pull.comments = []
    expect((await comment(next, pull.port())).state).toBe('written')
  })
})
