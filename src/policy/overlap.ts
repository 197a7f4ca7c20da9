import type { Budget } from './cover.ts'
import { DEEP, ONE, type Pattern, type Token } from './match.ts'

/**
 * Whether some text matches both patterns. With no budget left the answer is yes: it is asked to find what a reviewer has to
 * look at.
 */
export function overlaps(a: Pattern, b: Pattern, budget: Budget): boolean {
  const width = b.tokens.length + 1
  const seen = new Set<number>()
  const queue: (readonly [number, number])[] = [[0, 0]]
  for (let place = queue.pop(); place !== undefined; place = queue.pop()) {
    const [i, j] = place
    if (seen.has(i * width + j)) continue
    seen.add(i * width + j)
    if (--budget.left < 0) return true
    const mine = a.tokens[i]
    const theirs = b.tokens[j]
    if (mine === undefined && theirs === undefined) return true
    // A star may end here, or take what the other one has next.
    if (isStar(mine)) queue.push([i + 1, j], ...(takes(mine, theirs) ? [[i, j + 1] as const] : []))
    if (isStar(theirs)) queue.push([i, j + 1], ...(takes(theirs, mine) ? [[i + 1, j] as const] : []))
    if (typeof mine === 'string' && mine === theirs) queue.push([i + 1, j + 1])
  }
  return false
}

function isStar(token: Token | undefined): token is typeof ONE | typeof DEEP {
  return token === ONE || token === DEEP
}

function takes(star: typeof ONE | typeof DEEP, token: Token | undefined): boolean {
  return typeof token === 'string' && (star === DEEP || token !== '/')
}
