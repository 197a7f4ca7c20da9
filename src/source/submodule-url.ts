import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { isLoopbackHost } from '../io/http.ts'

/** Where the files of a submodule are: scheme, host, and at least one name. No login, query, fragment or escape. */
const PLACE = /^(https?):\/\/([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?((?:\/[A-Za-z0-9_~.+-]+)+)\/?$/

/**
 * The repository that a url of `.gitmodules` means: itself, or where it begins with `./` or `../` what git makes of it beside
 * the repository it stands in (git v2.39, git-submodule(1) § add: `../x.git` is a neighbour). https only, http on loopback:
 * every other transport runs programs, asks with keys of the machine, or reads its files.
 * @param base the repository whose tree holds the file, `https://host/owner/name`.
 * @returns `https://host/owner/name.git` as written, in one spelling, without a slash at its end.
 * @throws `source/submodule-url-refused`
 */
export function submoduleUrl(url: string, base: string): string {
  const text = /^\.{1,2}\//.test(url) ? beside(url, base) : url
  const [, scheme = '', host = '', , path = ''] = PLACE.exec(text) ?? []
  const parsed = host === '' || !URL.canParse(text) ? undefined : new URL(text)
  const plain = scheme === 'http' && isLoopbackHost(host.toLowerCase())
  // `new URL` takes `..` out of a path, so what is left would not be what the committer was seen to write.
  const unsafe = path.split('/').some(part => /^\.{1,2}$/.test(part) || part.startsWith('-'))
  if (parsed === undefined || unsafe || /^-|\.$/.test(host) || (scheme !== 'https' && !plain)) throw refused(url)
  return `${parsed.origin}${path}`
}

/** As a rule and a digest name a repository: without the suffix, which servers take as the same place. */
export function bareRepository(remote: string): string {
  return remote.replace(/(?:\.git)?\/*$/, '')
}

/** @throws `source/submodule-url-refused` for more steps up than the base has names. */
function beside(url: string, base: string): string {
  const parts = url.split('/').filter(part => part !== '.')
  const [, origin = '', path = ''] = /^(https?:\/\/[^/]+)(\/.*)$/.exec(base.replace(/\/+$/, '')) ?? []
  const names = path.split('/').filter(name => name !== '')
  while (parts[0] === '..') {
    parts.shift()
    if (names.pop() === undefined) throw refused(url)
  }
  // `../` further on would be taken out again by whoever asks for it.
  if (origin === '' || parts.every(part => part === '') || parts.includes('..')) throw refused(url)
  return `${origin}/${[...names, ...parts].join('/')}`
}

function refused(url: string): Error {
  const [, host, path] = /^(?:ssh:\/\/)?(?:[A-Za-z0-9._-]+@)([A-Za-z0-9.-]+)[:/]([A-Za-z0-9_~./+-]+)$/.exec(url) ?? []
  const better = host === undefined ? 'https://HOST/OWNER/NAME.git' : `https://${host}/${path}`
  return fail('source/submodule-url-refused', `A submodule is at ${printable(url, 200)}, from where none is fetched`, {
    expected: 'an https address without login, query or escapes, or ../NAME.git for a neighbour',
    found: url,
    remedy: `Set another address and commit it: git config -f .gitmodules submodule.NAME.url ${better}`,
  })
}
