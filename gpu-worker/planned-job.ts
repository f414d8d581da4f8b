/** What the memory planner needs to know of a job. Limits on its result are checked here, before anything is decoded. */
import type { Job } from '../shared/job.ts';
import { type ParametersOf, parametersFor } from '../shared/parameters.ts';
import { checkEnlargement, type ImageInfo } from './image/probe.ts';
import { isTask, type LoadedModel, pictureGraph } from './loaded-model.ts';
import type { PlannedJob } from './memory-plan.ts';

export interface Limits {
  readonly maxInputPixels: number;
  readonly maxOutputPixels: number;
}

interface Fetched {
  readonly info: ImageInfo;
  readonly fileBytes: number;
  readonly limits: Limits;
}

/** @throws output_too_many_pixels, output_format_limit */
export function plannedJob(job: Job, model: LoadedModel, { info, fileBytes, limits }: Fetched): PlannedJob {
  const parameters: unknown = parametersFor(model.manifest).parse(job.parameters);
  if (isTask(model, 'super-resolution')) {
    const { upscale_factor: factor, output_format: format } = parameters as ParametersOf['super-resolution'];
    checkEnlargement(info, factor, limits, format);
    const { input } = pictureGraph(model, factor).graph;
    const isPadded = input.multiple_of > 1 || input.width !== 'dynamic' || input.height !== 'dynamic';
    return { info, fileBytes, makes: { kind: 'enlarged', factor, format, isPadded } };
  }
  if (!isTask(model, 'object-detection')) return { info, fileBytes };
  const { annotated, output_format: format } = parameters as ParametersOf['object-detection'];
  if (!annotated) return { info, fileBytes };
  checkEnlargement(info, 1, limits, format);
  return { info, fileBytes, makes: { kind: 'annotated', format } };
}
