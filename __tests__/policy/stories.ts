import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { endFold, type Fold, type SourceJudgement, startFold, stepFold } from '../../src/policy/fold.ts'
import { parseLaw } from '../../src/policy/law.ts'
import { BASE, commit, type Files, filled, idOf, lawFiles, MAIN, malformed, NOW } from './world.ts'

/**
 * A history as a folder: `story.json` with its commits, policy files beside it. A file's value is the name of a file in the
 * folder, `=text` for a text given in place, or null to remove it; what a commit does not name stays as its parent had it.
 */
export interface Story {
  /** First-parent commits, oldest first. */
  readonly commits: readonly StoryCommit[]
  readonly ref?: string
  /** Files of the anchor beside the usual ones. */
  readonly anchor?: Readonly<Record<string, string | null>>
  readonly expect: {
    readonly outcome: SourceJudgement['outcome']
    readonly level?: string
    /** Codes of `reject` findings by commit name; a commit that is not named must have none. */
    readonly codes: Readonly<Record<string, readonly string[]>>
    /** Name of the commit whose law is accepted at the end, or `anchor`. */
    readonly law: string
  }
}

export interface StoryCommit {
  readonly name: string
  /** Whose key signs; absent: unsigned. */
  readonly by?: string
  readonly email?: string
  readonly malformed?: boolean
  readonly files?: Readonly<Record<string, string | null>>
  /** Takes the whole `.github` of an earlier commit, or of `anchor`. */
  readonly filesOf?: string
  readonly broughtIn?: readonly { readonly name: string; readonly by?: string; readonly email?: string }[]
}

export const STORIES = join(import.meta.dirname, '../vectors/policy/fold')

export function storyFolders(): readonly string[] {
  return readdirSync(STORIES).sort()
}

export function readStory(folder: string): Story {
  return JSON.parse(readFileSync(join(STORIES, folder, 'story.json'), 'utf8')) as Story
}

/** Runs the fold over the story. */
export function tell(folder: string, story: Story): SourceJudgement {
  const trees = new Map<string, Files>([['anchor', change(BASE, story.anchor ?? {}, folder)]])
  const start = trees.get('anchor') ?? {}
  let fold: Fold = startFold({ id: idOf('anchor') }, parseLaw(lawFiles(start)), story.ref ?? MAIN)
  let files = start
  for (const item of story.commits) {
    const from = item.filesOf === undefined ? files : (trees.get(item.filesOf) ?? {})
    files = change(from, item.files ?? {}, folder)
    trees.set(item.name, files)
    const broughtIn = (item.broughtIn ?? []).map(({ name, ...options }) => commit(name, options))
    const facts = item.malformed === true ? malformed(item.name) : commit(item.name, item)
    fold = stepFold(fold, { commit: facts, broughtIn, law: lawFiles(files) }, NOW)
  }
  return endFold(fold, NOW)
}

function change(files: Files, changes: Readonly<Record<string, string | null>>, folder: string): Files {
  const after = new Map(Object.entries(files))
  for (const [path, value] of Object.entries(changes)) {
    if (value === null) after.delete(path)
    else if (value.startsWith('=')) after.set(path, filled(value.slice(1)))
    else after.set(path, filled(readFileSync(join(STORIES, folder, value), 'utf8')))
  }
  return Object.fromEntries(after)
}
