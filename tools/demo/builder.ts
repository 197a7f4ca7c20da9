import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { type BuilderHost, detectBuilder } from '../../src/build/detect.ts'
import { asWaybillError } from '../../src/core/error.ts'
import type { Paper } from './paper.ts'

/** What the demo builds with; `layout` pushes an image made without a builder. */
export type DemoBuilder = 'buildx' | 'buildah' | 'layout'

/** The builder the action will find itself; as root on Debian or Ubuntu one is installed when there is none. */
export async function chooseBuilder(paper: Paper, install: boolean): Promise<DemoBuilder> {
  const found = await detect(paper)
  if (found !== undefined) return found
  if (!install) paper.say('Nothing is installed, because of --no-install.')
  else if (!isDebian() || process.getuid?.() !== 0)
    paper.say('Nothing is installed: that is done only as root on Debian or Ubuntu.')
  else if (installBuildah(paper)) return (await detect(paper)) ?? 'layout'
  return 'layout'
}

async function detect(paper: Paper): Promise<DemoBuilder | undefined> {
  try {
    const host: BuilderHost = await detectBuilder('auto', process.env)
    const [tool] = host.tools
    paper.say(`It is built by ${host.kind}${tool === undefined ? '' : ` (${tool.version})`}.`)
    return host.kind
  } catch (error) {
    const { message, found } = asWaybillError(error)
    paper.say(`${message}${found === undefined ? '' : ` (${found})`}.`)
    return undefined
  }
}

/** `ID` or `ID_LIKE` of os-release(5). */
function isDebian(): boolean {
  if (!existsSync('/etc/os-release')) return false
  return /^ID(?:_LIKE)?=.*\b(?:debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'))
}

function installBuildah(paper: Paper): boolean {
  paper.say('As root on Debian or Ubuntu: installing buildah (--no-install prevents it).')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const commands = [
    ['install', '--yes', '--no-install-recommends', 'buildah'],
    ['update'],
    ['install', '--yes', '--no-install-recommends', 'buildah'],
  ] as const
  // Lists of packages may be missing or old: the second try has fresh ones.
  for (const [at, args] of commands.entries()) {
    paper.command(`apt-get ${args.join(' ')}`)
    const { status, stderr, error } = spawnSync('apt-get', ['--quiet', ...args], { env, encoding: 'utf8' })
    if (status === 0 && args[0] === 'install') return true
    if (status !== 0 && at > 0) {
      paper.quote((stderr ?? error?.message ?? '').trim().split('\n').slice(-3).join('\n'))
      paper.say('buildah could not be installed.')
      return false
    }
  }
  return false
}
