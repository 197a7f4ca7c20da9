import type { ArtifactTask } from '../github/artifact-task.ts'
import { answerTask } from '../io/worker.ts'

/** Door of the thread that holds GitHub's artifact client; nobody else starts it. */
export function runArtifactTask(): Promise<void> {
  return answerTask(async data => {
    const { performArtifactTask } = await import('../github/artifact-library.ts')
    return performArtifactTask(data as ArtifactTask)
  })
}
