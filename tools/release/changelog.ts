/**
 * What CHANGELOG.md says of one version: the lines below `## VERSION`, up to the next heading of that rank.
 * @throws when there is no such section, more than one, or nothing in it: a release says what changed.
 */
export function sectionOf(changelog: string, version: string): string {
  const sections = changelog.split(/^## /m).slice(1)
  const about = sections.filter(section => /^(\S+)/.exec(section)?.[1] === version)
  const [section = ''] = about
  if (about.length !== 1) throw new Error(`CHANGELOG.md has ${about.length} sections "## ${version}", not one`)
  const text = section.slice(section.indexOf('\n') + 1).trim()
  if (text === '' || !section.includes('\n')) throw new Error(`CHANGELOG.md says nothing of ${version}`)
  return `${text}\n`
}
