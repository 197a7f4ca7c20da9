import { ArtifactNotFoundError, DefaultArtifactClient } from '@actions/artifact'
import type { ArtifactAnswer, ArtifactTask } from './artifact-task.ts'

/** How the service refuses a second artifact of one name in one attempt. */
const TAKEN = /\b409\b|already exists/

/**
 * One exchange with the runner's artifact service, by GitHub's own client. It reads address and token from the environment, so this
 * runs in a thread of its own; imported dynamically there, because few runs need it and it is large. Never throws.
 */
export async function performArtifactTask(task: ArtifactTask): Promise<ArtifactAnswer> {
  const client = new DefaultArtifactClient()
  try {
    return task.kind === 'upload' ? await upload(client, task) : await download(client, task)
  } catch (error) {
    if (error instanceof ArtifactNotFoundError) return { state: 'absent' }
    return { state: 'failed', why: error instanceof Error ? error.message : String(error) }
  }
}

async function upload(
  client: DefaultArtifactClient,
  { name, folder, files, replace }: ArtifactTask & { readonly kind: 'upload' },
): Promise<ArtifactAnswer> {
  const send = () => client.uploadArtifact(name, [...files], folder)
  const sent = await send().catch(async error => {
    if (!replace || !TAKEN.test(String(error))) throw error
    await client.deleteArtifact(name)
    return send()
  })
  return { state: 'done', id: sent.id ?? 0, bytes: sent.size ?? 0 }
}

/** As it lies in the store: its entries are read by our own strict reader, never unpacked by the library. */
async function download(
  client: DefaultArtifactClient,
  { name, folder, most }: ArtifactTask & { readonly kind: 'download' },
): Promise<ArtifactAnswer> {
  const { artifact } = await client.getArtifact(name)
  if (artifact.size > most) return { state: 'failed', why: `it has ${artifact.size} bytes, more than ${most}` }
  const got = await client.downloadArtifact(artifact.id, {
    path: folder,
    skipDecompress: true,
    ...(artifact.digest === undefined ? {} : { expectedHash: artifact.digest }),
  })
  if (got.digestMismatch === true)
    return { state: 'failed', why: 'it was served with another digest than it was stored with' }
  return { state: 'done', id: artifact.id, bytes: artifact.size }
}
