import { runArtifactTask } from './index.js'

await runArtifactTask()
