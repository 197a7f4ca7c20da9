import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openForger } from '../fakes/forge.ts'
import { writeLayout } from '../fakes/layout.ts'
import type { RecipeWorld } from './recipe-world.ts'

/** What happens to the world between two blocks of a page; `before` comes before the first of every page. */
export const SITUATIONS: Readonly<Record<string, (world: RecipeWorld) => Promise<void>>> = {
  before: async world => {
    await world.file('incoming/app-1.2.tar.gz', 'the release 1.2')
    const digest = await world.image('1.2', 'app-1.2')
    rendered(world, '1.2')
    world.write(
      'compose.yaml',
      `services:\n  app:\n    image: ${world.fill('ghcr.io/acme/app:1.2')} # from the release\n`,
    )
    pods(world, '1.2', digest)
    await tools(world)
  },
  'a-clone-with-a-remote': async world => {
    const { folder, scenario, secrets } = world
    const key = join(scenario.stack.folder, 'materials-key')
    const origin = join(scenario.stack.folder, 'origin.git')
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
    secrets.set('secrets.MATERIALS_KEY', readFileSync(key, 'utf8').trim())
    const git = (...args: readonly string[]) => execFileSync('git', ['-C', folder, ...args])
    git('init', '--quiet', '--initial-branch=main')
    git('add', '.')
    git('-c', 'user.name=Alice', '-c', 'user.email=alice@example.com', 'commit', '--quiet', '-m', 'As it is')
    execFileSync('git', ['clone', '--quiet', '--bare', folder, origin])
    git('remote', 'add', 'origin', origin)
  },
  'a-changed-file': world => world.file('incoming/app-1.3.tar.gz', 'with a back door', { about: 'the release 1.3' }),
  'only-the-release': async ({ folder }) => {
    for (const suffix of ['', '.sigstore.json']) rmSync(join(folder, `incoming/app-1.3.tar.gz${suffix}`))
  },
  'a-file-of-a-stranger': world => world.file('incoming/app-1.3.tar.gz', 'the release 1.3', { by: 'mallory' }),
  'an-image-of-a-stranger': async world => {
    await world.image('1.3', 'app-1.3', 'mallory')
    rendered(world, '1.3')
  },
  'a-tag-that-was-moved': async world => {
    const digest = await world.image('1.2', 'somebody-elses', 'mallory')
    pods(world, '1.2', digest)
  },
  'a-template': async world => rendered(world, '"{{ .Values.tag }}"'),
  'the-release': async world => {
    await world.image('1.2', 'app-1.2')
    rendered(world, '1.2')
  },
}

/** An image that nobody signed, of somebody else. */
async function tools({ scenario }: RecipeWorld): Promise<void> {
  const { stack } = scenario
  const vendor = await openForger(stack, `${stack.registry.host}/vendor/tools`)
  await vendor.push(writeLayout(join(stack.folder, 'image-tools'), { content: 'tools' }).folder, '2')
  vendor.close()
}

/** What helm or kustomize print. */
function rendered({ fill, scenario }: RecipeWorld, tag: string): void {
  const text = `apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  template:
    spec:
      containers:
        - name: shop
          image: ${fill('ghcr.io/acme/app')}:${tag} # from the release
`
  writeFileSync(join(scenario.stack.folder, 'rendered.yaml'), text)
}

/** What kubectl prints of one running pod. */
function pods({ fill, scenario }: RecipeWorld, tag: string, digest: string): void {
  const name = fill('ghcr.io/acme/app')
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'shop-7d9c5', namespace: 'shop', labels: { app: 'shop' } },
    spec: { containers: [{ name: 'shop', image: `${name}:${tag}`, imagePullPolicy: 'IfNotPresent' }] },
    status: {
      phase: 'Running',
      containerStatuses: [{ name: 'shop', image: `${name}:${tag}`, imageID: `${name}@${digest}`, ready: true }],
    },
  }
  const list = { apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '' }, items: [pod] }
  writeFileSync(join(scenario.stack.folder, 'pods.json'), JSON.stringify(list, null, 4))
}
