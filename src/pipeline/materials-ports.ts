import type { FetchRequest } from './materials-fetch-request.ts'
import type { ImagesRequest, JudgedImages } from './materials-images-request.ts'
import type { FetchedMaterial, MaterialsOutcome } from './materials-outcome.ts'
import type { MaterialsLaw } from './materials-plan.ts'

/** What the stage `materials` may ask of the world. Nothing is asked of it when nobody asks for the stage. */
export interface MaterialsPorts {
  /** `os/arch` of the machine that builds. */
  readonly machine: string
  /** `judgeImages` with registries behind it, and the keys and trust roots of this law. */
  images(request: ImagesRequest, law: MaterialsLaw): Promise<JudgedImages>
  /** `fetchMaterials` with the network behind it. */
  bring(request: FetchRequest): Promise<readonly FetchedMaterial[]>
  /** `placeMaterials`. @param folder the context, real and inside the export. */
  place(folder: string, placed: MaterialsOutcome['placed']): Promise<void>
}
