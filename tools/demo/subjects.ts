import { generateKeyPairSync } from 'node:crypto'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Finished, Scenario } from '../../__tests__/fakes/scenario.ts'
import type { Paper } from './paper.ts'

interface Story {
  readonly paper: Paper
  readonly scenario: Scenario
}

/** A file is signed with a key and verified; then a line is added to it. @returns what the gate said before and after. */
export async function signFile({ paper, scenario }: Story): Promise<readonly [Finished, Finished]> {
  const { folder } = scenario.stack
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  writeFileSync(join(folder, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  writeFileSync(join(folder, 'key.pub'), publicKey.export({ type: 'spki', format: 'pem' }))
  writeFileSync(join(folder, 'app.tgz'), 'Hello, dear world.\n')
  await told(paper, scenario, ['attest', 'file', 'app.tgz', '--key', 'key.pem'])
  const before = await told(paper, scenario, ['verify', 'file', 'app.tgz', '--key', 'key.pub'])
  paper.say('Somebody adds a line to the file:')
  appendFileSync(join(folder, 'app.tgz'), 'And a back door.\n')
  return [before, await told(paper, scenario, ['verify', 'file', 'app.tgz', '--key', 'key.pub'])]
}

/** A manifest that names the image by its tag is verified and pinned. @returns what the gate said, and the manifest then. */
export async function pinManifest(
  { paper, scenario }: Story,
  flags: readonly string[],
): Promise<readonly [Finished, string]> {
  const { stack, image } = scenario
  const path = join(stack.folder, 'app.yaml')
  const [identity = '', issuer = ''] = [flags[1], flags[3]]
  // `private`: the registry of this machine lies inside; without it what a manifest names is not asked for there.
  const rule = `  - match: ["${image}"]
    build: { sigstore: { identity: "${identity}", issuer: "${issuer}" } }
    require: [signature]
    private: true
    trust: { file: ${relativeRoot(stack.trustedRootFile)} }
`
  writeFileSync(join(stack.folder, 'policy.yml'), `version: 1\ndeploy:\n${rule}`)
  writeFileSync(path, MANIFEST.replace('IMAGE', `${image}:v1`))
  const finished = await told(paper, scenario, ['verify', 'manifest', 'app.yaml', '--policy', 'policy.yml', '--pin'])
  const pinned = readFileSync(path, 'utf8')
  paper.quote(pinned.trimEnd())
  return [finished, pinned]
}

const MANIFEST = `apiVersion: v1
kind: Pod
metadata: { name: app }
spec:
  containers:
    - { name: app, image: "IMAGE" } # by its tag, for people
`

async function told(paper: Paper, scenario: Scenario, words: readonly string[]): Promise<Finished> {
  paper.command(`waybill ${words.join(' ')}`)
  const finished = await scenario.cli(words)
  paper.quote(finished.log.split('\nnot checked:')[0]?.trimEnd() ?? '')
  return finished
}

function relativeRoot(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
