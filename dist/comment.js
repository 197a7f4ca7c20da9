import { runComment } from './index.js'

await runComment()
