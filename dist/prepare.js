import { runPrepare } from './index.js'

await runPrepare()
