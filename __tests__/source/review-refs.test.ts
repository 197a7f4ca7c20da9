import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { type CommitId, parseCommitId } from '../../src/core/digest.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { reviewRef } from '../../src/core/review-mention.ts'
import { ReviewRefs, refOf } from '../../src/source/review-refs.ts'
import { type GitServer, startGitServer } from '../fakes/git-server.ts'
import { Clone, errorOf, findGit, temporaryFolder } from './support.ts'

const ROOT = temporaryFolder()
const servers: GitServer[] = []
let count = 0
afterAll(async () => {
  for (const server of servers) await server.close()
})

/** A repository with statements of two people about its head. */
function sample() {
  const clone = new Clone(join(ROOT, `clone-${++count}`))
  const head = clone.commit('one')
  const put = (name: string, content: string, about: CommitId = head) => {
    clone.git('update-ref', reviewRef(about, name), clone.store('blob', Buffer.from(content)))
  }
  put('alice', 'of alice')
  put('bob', 'of bob')
  return { clone, head, put }
}

async function serve(clone: Clone): Promise<GitServer> {
  const server = await startGitServer({ folder: join(ROOT, `server-${++count}`) })
  servers.push(server)
  await server.publish(clone.path, 'acme/app')
  return server
}

function refsOf(url: string, localPath = false): ReviewRefs {
  const deadline = new Date(Date.now() + 60_000)
  const place = { git: findGit(), folder: join(ROOT, `run-${++count}`), env: { PATH: process.env.PATH }, deadline }
  return new ReviewRefs({ ...place, url, ...(localPath ? { localPath } : {}) })
}

async function told(refs: ReviewRefs, ...heads: CommitId[]) {
  const list: [string, string | undefined][] = []
  for await (const { principal, bytes } of refs.about(new Set(heads)))
    list.push([principal, bytes === undefined ? undefined : Buffer.from(bytes).toString()])
  return list
}

test('statements about a head are read over http and from a folder, those about others are not', async () => {
  const { clone, head, put } = sample()
  const other = parseCommitId('1'.repeat(40))
  put('carol', 'about another', other)
  const server = await serve(clone)
  for (const refs of [refsOf(`${server.url}/acme/app`), refsOf(clone.path, true)]) {
    expect(await told(refs, head)).toEqual([
      ['alice', 'of alice'],
      ['bob', 'of bob'],
    ])
    expect(await told(refs, other)).toEqual([['carol', 'about another']])
    expect(await told(refs, parseCommitId('2'.repeat(40)))).toEqual([])
    expect(await told(refs)).toEqual([])
  }
})

test('13-adversary 13: names are asked for once, blobs once for each group of heads', async () => {
  const { clone, head, put } = sample()
  put('carol', 'about another', parseCommitId('1'.repeat(40)))
  const server = await serve(clone)
  const refs = refsOf(`${server.url}/acme/app`)
  await told(refs, head, parseCommitId('1'.repeat(40)))
  const asked = server.log.length
  await told(refs, head)
  await told(refs, parseCommitId('1'.repeat(40)))
  expect(server.log.length).toBe(asked)
})

test('13-adversary 11: what is no blob, or a larger one, is named without its bytes, and brings no files', async () => {
  const { clone, head, put } = sample()
  put('carol', 'x'.repeat(LIMITS.reviewBytes + 1))
  put('dave', 'x'.repeat(LIMITS.reviewBytes))
  clone.git('update-ref', reviewRef(head, 'erin'), head)
  clone.git('update-ref', reviewRef(head, 'frank'), clone.git('rev-parse', `${head}^{tree}`))
  clone.git('tag', '-a', '-m', 'x', 'x', head)
  clone.git('update-ref', reviewRef(head, 'grace'), 'refs/tags/x')
  const server = await serve(clone)
  const lengths = (await told(refsOf(`${server.url}/acme/app`), head)).map(([name, text]) => [name, text?.length])
  expect(lengths).toEqual([
    ['alice', 8],
    ['bob', 6],
    ['carol', undefined],
    ['dave', LIMITS.reviewBytes],
    ['erin', undefined],
    ['frank', undefined],
    ['grace', undefined],
  ])
})

test('refs with other names are nobody’s', async () => {
  const { clone, head } = sample()
  const blob = clone.git('rev-parse', reviewRef(head, 'alice'))
  for (const name of [`${head}/a/b`, `${head}/-x`, `${head.slice(1)}/alice`, 'alice', `${head}/${'x'.repeat(65)}`])
    clone.git('update-ref', `refs/waybill/reviews/${name}`, blob)
  expect((await told(refsOf(clone.path, true), head)).map(([name]) => name)).toEqual(['alice', 'bob'])
})

test('13-adversary 5: a repository that does not answer is no empty list', async () => {
  const server = await serve(sample().clone)
  const head = parseCommitId('1'.repeat(40))
  const gone = await errorOf(() => told(refsOf(`${server.url}/acme/other`), head))
  expect([gone.code, gone.kind]).toEqual(['source/repository-unreachable', 'unknown'])
})

test('13-adversary 13: more names than are read are unknown, not the first of them', async () => {
  const { clone, head } = sample()
  const blob = clone.git('rev-parse', reviewRef(head, 'alice'))
  // Written as git itself packs them: ten thousand files would take long.
  const lines = Array.from({ length: LIMITS.reviewRefs }, (_, n) => `${blob} ${reviewRef(head, `x${n}`)}`).sort()
  writeFileSync(join(clone.path, '.git/packed-refs'), `${['# pack-refs with: sorted ', ...lines].join('\n')}\n`)
  const many = await errorOf(() => told(refsOf(clone.path, true), head))
  expect([many.code, many.kind]).toEqual(['source/reviews-too-many', 'unknown'])
})

test('refOf() of any line is a ref in its one spelling, or nothing', () => {
  const id = 'a'.repeat(40)
  expect(refOf(`${id}\trefs/waybill/reviews/${id}/alice`)).toMatchObject({ object: id, head: id, principal: 'alice' })
  const part = fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom(id, '\t', 'refs/waybill/reviews/', '/', 'alice'))
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), parts => {
      const line = parts.join('')
      const ref = refOf(line)
      if (ref !== undefined)
        expect(line.split('\t').slice(0, 2)).toEqual([ref.object, reviewRef(ref.head, ref.principal)])
    }),
  )
})
