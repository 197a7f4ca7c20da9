import { asWaybillError, fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import type { GithubApi } from '../github/api.ts'
import { type EndedRun, type KeptArtifact, keptArtifacts, placeOfArtifact } from '../github/workflow-run.ts'
import type { HttpClient } from '../io/http.ts'
import { noForkReport, readForkReport, renderForkReport } from '../report/fork-report.ts'
import { codeSpan } from '../report/text.ts'
import { readForkArchive } from './fork-archive.ts'

export interface ForkReporting {
  readonly api: GithubApi
  readonly http: HttpClient
  readonly repository: string
  readonly run: EndedRun
  readonly folder: string
  /** Of artifact names; `*` stands for any characters. */
  readonly pattern: string
}

/** Artifacts whose results are quoted; a run of a fork may keep as many as it likes. */
const QUOTED = 3

/** What the run of a fork said of itself, to stand below what was checked. Never throws: it is worth nothing more than a note. */
export async function forkReports(the: ForkReporting): Promise<string> {
  try {
    const kept = await keptArtifacts(the.api, the.repository, the.run, matcher(the.pattern))
    if (kept.length === 0) return noForkReport('That run kept no result.')
    const texts: string[] = []
    for (const artifact of kept.slice(0, QUOTED)) texts.push(await reportOf(artifact, the))
    const more = kept.length > QUOTED ? [`${kept.length - QUOTED} more artifacts of that run are not read.`] : []
    return [...texts, ...more].join('\n\n')
  } catch (error) {
    return noForkReport(`It was not read (${codeSpan(asWaybillError(error).code)}).`)
  }
}

async function reportOf(artifact: KeptArtifact, { api, http, repository, folder }: ForkReporting): Promise<string> {
  try {
    const url = artifact.expired ? undefined : await placeOfArtifact(api, repository, artifact)
    if (url === undefined) return noForkReport('What that run kept was deleted by its age.')
    // Signed by the storage for whoever has the address: no token goes there.
    const { status, body } = await http.send({ method: 'GET', url, maxBytes: LIMITS.forkArchiveBytes })
    if (status !== 200) throw fail('github/run-not-found', 'The archive cannot be had', { found: String(status) })
    return renderForkReport(readForkReport(await readForkArchive(body, folder)))
  } catch (error) {
    return noForkReport(`What that run kept is not shown (${codeSpan(asWaybillError(error).code)}).`)
  }
}

/** No regular expression is made of the pattern: its pieces are looked for in their order. */
function matcher(pattern: string): (name: string) => boolean {
  const [first = '', ...pieces] = pattern.split('*')
  const last = pieces.pop()
  return name => {
    if (last === undefined) return name === first
    if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false
    let at = first.length
    for (const piece of pieces) {
      const found = name.indexOf(piece, at)
      if (found < 0 || found + piece.length > name.length - last.length) return false
      at = found + piece.length
    }
    return true
  }
}
