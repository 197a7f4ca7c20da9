import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import type { Verified } from '../../src/core/verified.ts'
import {
  type ChainLink,
  expectationFor,
  expectationFromFlags,
  type ImageSubject,
  judgeImage,
} from '../../src/policy/gate.ts'
import type { Signed } from '../../src/policy/gate-case.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import type { SignedStatement } from '../../src/statements/statement.ts'
import { BUILD_TEXT, DEPLOYER_TEXT, deploySummary, enforced, GATE_POLICY, GUARD_TEXT, scai } from './gate-world.ts'
import { COMMIT, certificate, IMAGE, ISSUER, SAN, signed } from './images.ts'
import { ANCHOR, POLICY_URI, pairOf } from './source-world.ts'
import { NOW } from './world.ts'

const subject: ImageSubject = { name: 'ghcr.io/acme/app:v1', digest: IMAGE }
const context = { rejectedBundles: [], incomplete: false, now: NOW }

const WHOLE = `version: 1
deploy:
  - match: "ghcr.io/**"
    build:
      ${BUILD_TEXT}
    source: {policy: "${POLICY_URI}", anchor: ${ANCHOR}, exceptions: deny}
    deployer: {${DEPLOYER_TEXT}}
    quarantine-by: {${GUARD_TEXT}}
    require: [signature, provenance, source-signed, source-reviewed, materials-verified, closed-world, sbom, reproducible]
    admit: [deploy-verified]
`
const options = { stage: 'run', policy: GATE_POLICY } as const
const expectation = expectationFor(parsePolicy(utf8(WHOLE), 'p.yml'), 'ghcr.io/acme/app', options)
const { summary, detail } = pairOf()
const sbom = signed({ predicateType: 'https://cyclonedx.org/bom', predicate: { bomFormat: 'CycloneDX' } })
const ALL: readonly Signed[] = [signed(), enforced(), summary, detail, scai(), sbom, deploySummary()]

/** `link state` with what is below in brackets. */
function text({ link, state, below }: ChainLink): string {
  return `${link} ${state}${below.length === 0 ? '' : ` [${below.map(text).join(', ')}]`}`
}

const chain = (list: readonly Signed[], wanted = expectation, about = subject, within = context) =>
  judgeImage(about, list, wanted, within)

test('links of a whole chain: a root for each requirement, below it what it rests on', () => {
  const { verdict, links } = chain(ALL)
  expect(verdict.kind).toBe('passed')
  expect(links.map(text)).toEqual([
    'signature passed',
    'provenance passed [commit passed [source passed [source-detail passed]]]',
    'materials passed',
    'sbom passed',
    'reproducible passed',
    'deploy passed',
    'quarantine passed',
  ])
})

test('a link tells what it is about, who signed, when and where that is logged', () => {
  const log = { url: 'https://rekor.example', index: '7' }
  const logged = { ...enforced(), log } as Verified<SignedStatement>
  const { links } = chain(ALL.map(item => (item.payload === logged.payload ? logged : item)))
  const provenance = links.find(({ link }) => link === 'provenance')
  expect(provenance).toMatchObject({
    digest: IMAGE,
    by: expect.stringContaining(SAN),
    signedAt: NOW.toISOString(),
    bundle: logged.bundle,
    log,
  })
  const [commit] = provenance?.below ?? []
  expect(commit).toMatchObject({ link: 'commit', digest: COMMIT })
  expect(commit?.below[0]).toMatchObject({ link: 'source', digest: COMMIT, bundle: summary.bundle })
  expect(commit?.below[0]?.below[0]).toMatchObject({ digest: detail.payload, bundle: detail.bundle })
  expect(links.find(({ link }) => link === 'deploy')?.by).toContain('deploy.yml')
})

test('what fails is rejected where it stands, the rest as it is', () => {
  const { links } = chain(ALL.filter(item => item !== detail && item !== sbom))
  expect(links.map(text).slice(0, 4)).toEqual([
    'signature passed',
    'provenance passed [commit passed [source rejected]]',
    'materials passed',
    'sbom rejected',
  ])
})

test('of a wrong signer the tree shows who it was', () => {
  const signer = certificate({ san: 'mallory@example.com' })
  const [link] = chain([signed({ signer })]).links
  expect(link).toMatchObject({ link: 'signature', state: 'rejected', by: expect.stringContaining('mallory') })
})

test('in an incomplete list what is missing is unknown', () => {
  const { links } = chain([signed()], expectation, subject, { ...context, incomplete: true })
  expect(links.map(text)).toEqual([
    'signature passed',
    'provenance unknown',
    'materials unknown',
    'sbom unknown',
    'reproducible unknown',
    'deploy unknown',
    'quarantine unknown',
  ])
})

test('what nobody asked for stands where a reader looks for it', () => {
  const flags = expectationFromFlags({
    certificateIdentity: SAN,
    certificateOidcIssuer: ISSUER,
    require: ['provenance'],
  })
  expect(chain(ALL, flags).links.map(text)).toEqual([
    'provenance passed [commit passed [source not-asked]]',
    'materials not-asked',
    'quarantine not-asked',
  ])
  const running = { ...flags, require: ['signature'], stage: 'run' } as const
  expect(chain(ALL, running).links.map(text)).toEqual(['signature passed', 'deploy not-asked', 'quarantine not-asked'])
})

test('an index proved by its platforms has one node for each statement', () => {
  const platforms = [sha256('amd64'), sha256('arm64')]
  const index = { ...subject, digest: sha256('index'), platforms }
  const flags = expectationFromFlags({ certificateIdentity: SAN, certificateOidcIssuer: ISSUER })
  const [link] = chain(
    platforms.map(digest => signed({ digest })),
    flags,
    index,
  ).links
  expect(link === undefined ? '' : text(link)).toBe('signature passed [signature passed, signature passed]')
  expect(link?.below.map(({ digest }) => digest)).toEqual(platforms)
})

test('13-adversary 27: commit and materials are asked of one and the same provenance', () => {
  const other = certificate({ ci: { sourceRepositoryDigest: 'f'.repeat(40) } })
  const built = enforced(
    {
      'buildDefinition.resolvedDependencies': [
        { uri: 'git+https://github.com/acme/app@refs/tags/v1.2.3', digest: { gitCommit: 'f'.repeat(40) } },
      ],
    },
    { signer: other },
  )
  const without = ALL.filter(item => item.statement.predicateType !== 'https://in-toto.io/attestation/scai/v0.3')
  const split = [...without, built, scai(undefined, { signer: other })]
  const { verdict, links } = chain(split)
  expect(verdict.kind).toBe('rejected')
  const states = links.map(text).join('; ')
  expect(states).toMatch(/source passed.*materials rejected|source rejected.*materials passed/)
})

test('the tree has the shape that results have', () => {
  const links: readonly ChainLink[] = chain(ALL).links
  expect(JSON.parse(JSON.stringify(links))).toEqual(links)
})
