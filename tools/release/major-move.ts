import { compareVersions, readVersion, type Version } from './version.ts'

export type MajorMove =
  | { readonly kind: 'stay'; readonly tag: string; readonly reason: string }
  | {
      readonly kind: 'move'
      readonly tag: string
      /** What the tag is now, as git shows the ref (an object id); nothing: it is new. */
      readonly from: string | undefined
      /** The commit of the release. */
      readonly to: string
    }

interface TagRef {
  /** The object that the ref names: the tag's own when it is annotated. */
  readonly object: string
  readonly commit: string
}

/** `git ls-remote --tags`: an annotated tag has a second line, ending in `^{}`, for what it is about. */
export function refsIn(output: string): ReadonlyMap<string, TagRef> {
  const refs = new Map<string, TagRef>()
  for (const line of output.split('\n')) {
    const [, id, name = '', peeled] = /^([0-9a-f]{40,64})\trefs\/tags\/(.+?)(\^\{\})?$/.exec(line) ?? []
    if (id === undefined) continue
    const object = peeled === undefined ? id : (refs.get(name)?.object ?? id)
    refs.set(name, { object, commit: id })
  }
  return refs
}

/**
 * Where the major tag of a release goes. It follows the highest version of its kind, so a correction of an older line, or a
 * workflow that is run again later, never takes it back.
 * @param refs the tags as the server has them now.
 * @throws when the release is not there, or the major tag stands on no release: then somebody moved it by hand.
 */
export function planMajorMove(tag: string, refs: ReadonlyMap<string, TagRef>): MajorMove {
  const version = tag.startsWith('v') ? readVersion(tag.slice(1)) : undefined
  if (version === undefined) throw new Error(`${JSON.stringify(tag)} is no tag of a release`)
  const major = `v${version.numbers[0]}`
  const released = refs.get(tag)
  if (released === undefined) throw new Error(`The server has no tag ${tag}`)
  if (version.prerelease.length > 0) return { kind: 'stay', tag: major, reason: `${tag} is a prerelease` }
  const now = refs.get(major)
  if (now === undefined) return { kind: 'move', tag: major, from: undefined, to: released.commit }
  if (now.commit === released.commit) return { kind: 'stay', tag: major, reason: `it is at ${tag} already` }
  const stands = highestAt(now.commit, version.numbers[0], refs)
  if (stands === undefined)
    throw new Error(`${major} is at ${now.commit}, which is no release: find out who moved it before anything else`)
  if (compareVersions(stands, version) > 0)
    return { kind: 'stay', tag: major, reason: `it is at v${stands.text}, which is newer than ${tag}` }
  return { kind: 'move', tag: major, from: now.object, to: released.commit }
}

function highestAt(commit: string, major: number, refs: ReadonlyMap<string, TagRef>): Version | undefined {
  const versions = [...refs].flatMap(([name, ref]) => {
    const version = ref.commit === commit && name.startsWith('v') ? readVersion(name.slice(1)) : undefined
    return version === undefined || version.numbers[0] !== major || version.prerelease.length > 0 ? [] : [version]
  })
  return versions.sort(compareVersions).at(-1)
}
