import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const SRC = join(import.meta.dirname, '../../src')
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(path => path.endsWith('.ts'))
const text = (path: string): string => readFileSync(join(SRC, path), 'utf8')

/**
 * Every file that can make a signature, and the one that stops a release before it does. Who signs in a new place finds no row
 * here and fails; a row is either a call of `requireOwnNames` on the way there, or why no own name is signed.
 */
const DOORS: Readonly<Record<string, { readonly stopped: string } | { readonly never: string }>> = {
  // The image, its files, the claims beside them and `reproducible`: one preflight for all that the action signs.
  'entry/attest-sigstore.ts': { stopped: 'pipeline/preflight.ts' },
  'entry/image-key.ts': { stopped: 'pipeline/preflight.ts' },
  'entry/workspace-files.ts': { stopped: 'pipeline/preflight.ts' },
  'entry/file-signer.ts': { never: 'the hand of the doors that import it, each with a row of its own' },
  'entry/commands/attest-file-signer.ts': { stopped: 'entry/commands/attest-file.ts' },
  'entry/commands/review-sign.ts': { stopped: 'entry/commands/review-sign.ts' },
  'entry/quarantine-signer.ts': { stopped: 'entry/quarantine-signer.ts' },
  'entry/verify-quarantine.ts': { stopped: 'entry/verify-quarantine.ts' },
  'entry/serve.ts': { stopped: 'entry/serve.ts' },
  'entry/deploy-signer.ts': { never: 'a deploy summary is SLSA’s own predicate, and names its signer as the verifier' },
  'entry/deploy-identity.ts': { never: 'the same, with a key' },
}

const HANDS = ['openSession', 'openKeySession', 'keyFileSigner', 'keylessFileSigner', 'personalSigner']

/** Files that import, as a value, something that makes a signature. */
function signing(path: string): boolean {
  const imports = text(path).matchAll(/^import \{([^}]*)\} from/gm)
  return [...imports].some(([, names = '']) => names.split(',').some(name => HANDS.includes(name.trim())))
}

test('13-adversary 44: every file that can make a signature is a door that this test knows', () => {
  const found = files.filter(signing)
  const known = Object.keys(DOORS)
  expect(found.filter(path => !known.includes(path))).toEqual([])
  // `image-key.ts` and the like are asked for by name: a row without a file is one that was moved.
  expect(known.filter(path => !files.includes(path))).toEqual([])
})

test.each(Object.entries(DOORS).flatMap(([path, door]) => ('stopped' in door ? [[path, door.stopped] as const] : [])))(
  '13-adversary 44: a release that would sign by %s is stopped in %s',
  (_path, stopped) => {
    expect(text(stopped)).toMatch(/requireOwnNames\((?:RELEASE_BUILD|request\.release)\)/)
  },
)

test.each(['entry/deploy-signer.ts', 'entry/deploy-identity.ts'])(
  '13-adversary 44: what is signed by %s holds no name under the own base',
  () => {
    for (const path of ['statements/deploy-vsa.ts', 'pipeline/deploy-summaries.ts'])
      expect(text(path)).not.toMatch(/uris\.ts'|OWN_URI_BASE/)
  },
)

test('13-adversary 44: every statement with an own name is written by what one of these doors signs', () => {
  const own = files.filter(path => path.startsWith('statements/') && /from '\.\/uris\.ts'/.test(text(path)))
  expect(own.sort()).toEqual([
    'statements/deployment-document.ts',
    'statements/parse.ts',
    'statements/provenance.ts',
    'statements/quarantine.ts',
    'statements/review.ts',
    'statements/source-detail.ts',
    'statements/source-vsa.ts',
  ])
})
