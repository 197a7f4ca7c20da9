/**
 * The one bundle: each door of `dist/` imports it and runs its own function. What only some runs need is a file of its own, loaded when
 * it is needed: `await import('./module.ts')` in the function that calls it, and no other import of its values anywhere.
 */
export { runArtifactTask } from './artifact-task.ts'
export { runAttest } from './attest.ts'
export { runDeployDoor as runDeploy } from './deploy.ts'
export { runVerify } from './verify.ts'

/** Most of the commands are of no use to an action. */
export async function runCli(): Promise<void> {
  const { runCli } = await import('./cli.ts')
  return runCli()
}

/** Runs after a fork's pull request, never before a build. */
export async function runComment(): Promise<void> {
  const { runComment } = await import('./comment.ts')
  return runComment()
}
