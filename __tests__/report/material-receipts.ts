import type { MaterialReceipt, Receipt } from '../../src/report/receipt.ts'
import { digest, REJECTED, RELEASE } from './receipts.ts'

const NODE: MaterialReceipt = {
  name: 'docker.io/library/node:24',
  kind: 'image',
  places: ['Dockerfile:1', 'Dockerfile:9'],
  digest: digest('4'),
  previous: digest('3'),
  verdict: 'passed',
  proof: 'pinned',
  findings: [],
}
const BASE: MaterialReceipt = {
  name: 'ghcr.io/acme/base:1',
  kind: 'image',
  places: ['Dockerfile:4'],
  digest: digest('5'),
  verdict: 'passed',
  proof: 'signed',
  by: 'https://github.com/acme/base/.github/workflows/release.yml@refs/heads/main',
  findings: [],
}
const TINI: MaterialReceipt = {
  name: 'https://github.com/krallin/tini/releases/download/v0.19.0/tini-amd64',
  kind: 'url',
  places: ['.github/waybill.materials.yml:3', 'Dockerfile:11'],
  digest: digest('6'),
  verdict: 'passed',
  proof: 'declared',
  by: 'minisign key RWQf6LRCGA9i53ml',
  hosts: ['release-assets.githubusercontent.com'],
  findings: [],
}
const LIB: MaterialReceipt = {
  name: 'git+https://github.com/acme/lib@v1.2',
  kind: 'git',
  places: ['.github/waybill.materials.yml:7'],
  digest: 'c'.repeat(40),
  verdict: 'passed',
  proof: 'signed',
  by: 'openpgp 3D5E07B2',
  findings: [],
}
const UNSIGNED: MaterialReceipt = {
  name: 'docker.io/acme/unsigned:3',
  kind: 'image',
  places: ['images/app/Dockerfile:7 (ONBUILD of its base image)'],
  digest: digest('7'),
  verdict: 'rejected',
  proof: 'none',
  findings: [
    {
      code: 'verify/no-attestation',
      severity: 'reject',
      subject: 'docker.io/acme/unsigned:3',
      message: 'images/app/Dockerfile:7: docker.io/acme/unsigned:3: Nobody signed it',
      expected: 'a signature by acme/base',
      found: 'no bundle',
      remedy: 'Have it signed, or pin it: - {match: "docker.io/acme/unsigned", digest-lock: true}',
    },
  ],
}

const stages = (state: 'passed' | 'rejected', mode: 'enforce' | 'audit') => (stage: Receipt['stages'][number]) =>
  stage.name === 'materials' ? { ...stage, state, mode, ms: 900 } : stage

/** Runs in which materials were judged. */
export const MATERIAL_RECEIPTS = {
  materials: {
    ...RELEASE,
    stages: RELEASE.stages.map(stages('passed', 'enforce')),
    materials: {
      items: [NODE, BASE, TINI, LIB],
      manifest: { path: '.github/waybill.materials.yml', digest: digest('8') },
      resolved: { path: '/tmp/waybill/app/waybill-materials.json', digest: digest('9') },
      closed: { by: 'builder', builder: 'fresh', cache: 'none', network: 'none' },
    },
    notChecked: ['Who reviewed the commits: no rule of the policy asks for it.'],
  },
  'materials-rejected': {
    ...REJECTED,
    subjects: [],
    stages: REJECTED.stages.map(stage => stages('rejected', 'enforce')(stage)),
    materials: { items: [NODE, UNSIGNED] },
    error: {
      code: 'verify/no-attestation',
      message: 'images/app/Dockerfile:7: docker.io/acme/unsigned:3: Nobody signed it',
      expected: 'a signature by acme/base',
      found: 'no bundle',
      remedy: 'Have it signed, or pin it: - {match: "docker.io/acme/unsigned", digest-lock: true}',
    },
  },
} as const satisfies Record<string, Receipt>
