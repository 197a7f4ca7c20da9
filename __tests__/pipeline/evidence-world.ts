import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CommitId, parseCommitId } from '../../src/core/digest.ts'
import type { PlatformPort } from '../../src/pipeline/attest-request.ts'
import { type EvidencePorts, SourceEvidence } from '../../src/pipeline/source-evidence.ts'
import { SourceFacts } from '../../src/pipeline/source-facts.ts'
import { PlatformAnswers } from '../../src/pipeline/source-platform.ts'
import type { Answer, MergedPull, PlatformCommit, StepEvidence } from '../../src/policy/evidence.ts'
import { type Law, parseLaw } from '../../src/policy/law.ts'
import type { PlatformRule } from '../../src/policy/policy.ts'
import { type History, openHistory } from '../../src/source/git.ts'
import { CommitGraph } from '../../src/source/graph.ts'
import { walkFirstParents } from '../../src/source/walk.ts'
import { TestRepository } from '../fakes/repository.ts'
import { makeSshSigner } from '../fakes/ssh-signer.ts'

export const MAIN = 'refs/heads/main'
export const ALICE = makeSshSigner()
export const EVERYTHING: PlatformRule = { merge: 'clean', squash: 'evidence', rebase: 'evidence', content: new Set() }

export const POLICY = `version: 1
principals:
  alice: {emails: [alice@example.com], signers: [{ssh: {key: "${ALICE.publicKey}"}}]}
roles: {maintainers: [alice]}
source:
  - refs: [refs/heads/main]
    commits: {signers: ["@maintainers"]}
policy-change: {signers: ["@maintainers"]}
`

export function lawWith(platform: PlatformRule, more: Partial<Law['policy']> = {}): Law {
  const file = { path: '.github/waybill.yml', id: parseCommitId('1'.repeat(40)), bytes: Buffer.from(POLICY) }
  const law = parseLaw({ tree: parseCommitId('2'.repeat(40)), files: [file] })
  const source = law.policy.source.map(rule => ({ ...rule, platform }))
  return { ...law, policy: { ...law.policy, source, ...more } }
}

/** A platform in memory: what it knows about commits, and what it was asked. */
export class FakePlatform implements PlatformPort {
  readonly known = new Map<CommitId, Omit<PlatformCommit, 'id'>>()
  readonly asked: (readonly CommitId[])[] = []
  keys: Answer<Uint8Array> = { kind: 'known', value: new Uint8Array() }
  keysAsked = 0

  async commits(ids: readonly CommitId[]): Promise<readonly Answer<PlatformCommit>[]> {
    this.asked.push(ids)
    return ids.map(id => ({ kind: 'known', value: { pulls: [], ...this.known.get(id), id } }))
  }

  async signingKeys(): Promise<Answer<Uint8Array>> {
    this.keysAsked++
    return this.keys
  }
}

/** A repository with a protected branch, on which the platform merges as told. */
export class EvidenceWorld {
  readonly root = mkdtempSync(join(tmpdir(), 'evidence-'))
  readonly repository = new TestRepository(join(this.root, 'repository'))
  readonly platform = new FakePlatform()
  readonly anchor: CommitId
  readonly #open: History[] = []
  #pull = 0

  constructor() {
    this.anchor = this.commit({ '.github/waybill.yml': POLICY, f: lines({}) })
  }

  async close(): Promise<void> {
    for (const history of this.#open) await history.close()
    rmSync(this.root, { recursive: true, force: true })
  }

  commit(files: Readonly<Record<string, string | null>>, message = 'work'): CommitId {
    const signer = ALICE
    return parseCommitId(this.repository.commit({ message, files, signer }))
  }

  head(): CommitId {
    return parseCommitId(this.repository.head() ?? '')
  }

  /** Commits on a branch from here (or `from`), and back to main. @returns them, oldest first. */
  branch(work: readonly Readonly<Record<string, string | null>>[], from = this.head()): readonly CommitId[] {
    this.repository.git('checkout', '--quiet', '--force', '-B', 'topic', from)
    const commits = work.map((files, i) => this.commit(files, `topic ${i}`))
    this.repository.git('checkout', '--quiet', '--force', 'main')
    return commits
  }

  /** The tree of git's own merge, or the one it prints for a conflict. */
  mergedTree(ours: string, theirs: string): string {
    try {
      return this.repository.git('merge-tree', '--write-tree', ours, theirs).slice(0, 40)
    } catch (error) {
      return String((error as { stdout: Buffer }).stdout).slice(0, 40)
    }
  }

  /** A commit on main with this tree, by nobody. */
  place(tree: string, parents: readonly string[], message = 'platform'): CommitId {
    const id = this.repository.object({ message }, tree, parents)
    this.repository.git('update-ref', 'refs/heads/main', id)
    this.repository.git('reset', '--quiet', '--hard')
    return parseCommitId(id)
  }

  /** The tree with one more file. */
  withFile(tree: string, name: string, content: string): string {
    const blob = this.repository.gitInput(content, 'hash-object', '-w', '--stdin')
    const entries = this.repository.git('ls-tree', tree)
    return this.repository.gitInput(`${entries}\n100644 blob ${blob}\t${name}\n`, 'mktree')
  }

  tree(commit: string): string {
    return this.repository.git('rev-parse', `${commit}^{tree}`)
  }

  /** Tells the platform of a merged pull request. */
  pull(head: CommitId, mergeCommit: CommitId, about: readonly CommitId[] = [mergeCommit]): MergedPull {
    const pull: MergedPull = {
      number: ++this.#pull,
      url: `https://example.com/pull/${this.#pull}`,
      baseRepositoryId: 1,
      baseRef: MAIN,
      mergeCommit,
      mergedAt: new Date('2026-06-01T00:00:00Z'),
      head,
      commits: [],
      commitsComplete: true,
      reviews: [],
      reviewsComplete: true,
      lastPusher: { kind: 'unknown', why: 'not asked' },
    }
    for (const id of about) this.platform.known.set(id, { pulls: [pull] })
    this.repository.git('update-ref', `refs/pull/${pull.number}/head`, head)
    return pull
  }

  async open(): Promise<History> {
    const history = await openHistory({
      git: execFileSync('sh', ['-c', 'command -v git']).toString().trim(),
      folder: join(this.root, `run-${this.#open.length}`),
      url: this.repository.folder,
      localPath: true,
      env: { PATH: process.env.PATH },
      head: this.head(),
      deadline: new Date(Date.now() + 60_000),
    })
    this.#open.push(history)
    return history
  }

  /** Evidence for every first-parent commit since the anchor, oldest first, gathered at once. */
  async evidence(
    law: Law,
    platform: PlatformPort | undefined = this.platform,
    statements?: EvidencePorts['statements'],
  ): Promise<readonly (StepEvidence | undefined)[]> {
    const history = await this.open()
    const graph = new CommitGraph(id => history.commit(id), history.guess.bind(history))
    const answers = new PlatformAnswers(platform, () => history.remaining())
    const facts = new SourceFacts(history, answers)
    const line = await walkFirstParents(this.head(), this.anchor, graph)
    const ids: CommitId[] = []
    for await (const step of line.steps()) ids.push(step.commit)
    const commits = await facts.of(ids, law, true)
    const steps = commits.map((commit, place) => ({ commit, place }))
    const ports = { history, graph, facts, platform: answers, ...(statements === undefined ? {} : { statements }) }
    return new SourceEvidence(ports, MAIN).of(steps, law, line)
  }
}

/** Twenty lines, some of them changed: changes far from each other merge cleanly. */
export function lines(changed: Readonly<Record<number, string>>): string {
  return Array.from({ length: 20 }, (_, i) => `${changed[i] ?? `line ${i}`}\n`).join('')
}
