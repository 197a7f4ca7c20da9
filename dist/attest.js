import { runAttest } from './index.js'

await runAttest()
