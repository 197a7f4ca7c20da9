import { gitFoldersOf, pointer } from './local-source.ts'

/**
 * Name of the branch that is checked out in a clone on this machine, without `refs/heads/`; undefined when none is. The name
 * is only shown and looked up, never trusted.
 */
export async function localBranch(path: string): Promise<string | undefined> {
  const { own } = await gitFoldersOf(path)
  return /^ref: refs\/heads\/([\x21-\x7e]{1,200})$/.exec((await pointer(`${own}/HEAD`)) ?? '')?.[1]
}
