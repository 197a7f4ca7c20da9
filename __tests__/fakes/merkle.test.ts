import fc from 'fast-check'
import { hash256 } from './keys.ts'
import { leafHash, MerkleTree } from './merkle.ts'

const node = (left: Buffer, right: Buffer): Buffer => hash256(Buffer.from([1]), left, right)

/** RFC 6962 § 2.1 as it is written, without any cleverness. */
function plainRoot(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return hash256()
  if (leaves.length === 1) return leafHash(leaves[0] ?? Buffer.alloc(0))
  let k = 1
  while (k * 2 < leaves.length) k *= 2
  return node(plainRoot(leaves.slice(0, k)), plainRoot(leaves.slice(k)))
}

/** RFC 9162 § 2.1.3.2, an algorithm unlike the one that makes proofs. */
function rootFromProof(leaf: Buffer, index: number, size: number, proof: readonly Buffer[]): Buffer | undefined {
  let [fn, sn, hash] = [index, size - 1, leafHash(leaf)]
  for (const sibling of proof) {
    if (sn === 0) return undefined
    if (fn % 2 === 1 || fn === sn) {
      hash = node(sibling, hash)
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn >> 1, sn >> 1]
    } else hash = node(hash, sibling)
    ;[fn, sn] = [fn >> 1, sn >> 1]
  }
  return sn === 0 ? hash : undefined
}

describe('MerkleTree', () => {
  test('root() of the reference entries is what other implementations compute', () => {
    const tree = new MerkleTree()
    const entries = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
    for (const entry of entries) tree.append(Buffer.from(entry, 'hex'))
    expect(tree.root().toString('hex')).toBe('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328')
    expect(tree.root(3).toString('hex')).toBe('aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77')
  })

  test('root() and proof() hold for every leaf of every size', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 8 }), { minLength: 1, maxLength: 70 }), entries => {
        const leaves = entries.map(entry => Buffer.from(entry))
        const tree = new MerkleTree()
        leaves.forEach((leaf, index) => {
          expect(tree.append(leaf)).toBe(index)
        })
        for (let size = 1; size <= leaves.length; size++) {
          const root = plainRoot(leaves.slice(0, size))
          expect(tree.root(size).equals(root)).toBe(true)
          const index = (size * 7 + 3) % size
          const proven = rootFromProof(leaves[index] ?? Buffer.alloc(0), index, size, tree.proof(index, size))
          expect(proven?.equals(root)).toBe(true)
        }
        leaves.forEach((leaf, index) => {
          expect(rootFromProof(leaf, index, leaves.length, tree.proof(index))?.equals(tree.root())).toBe(true)
        })
      }),
      { numRuns: 20 },
    )
  })
})
