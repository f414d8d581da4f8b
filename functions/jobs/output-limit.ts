/**
 * Refuses a job whose result its output format cannot hold, where the picture came inline and its size is known: the client
 * learns it from the answer. For links and uploads the worker finds out, with the same code.
 */
import { MOST_MEGAPIXELS } from '../../shared/cost.ts';
import type { ModelManifest } from '../../shared/model.ts';
import { checkOutputFormat } from '../../shared/output-format.ts';
import type { ParametersOf } from '../../shared/parameters.ts';
import { headerSize } from './header-size.ts';

/** Formats whose header has one size, and says it as the worker's decoder reads it. */
const PLAIN = new Set<string | undefined>(['jpg', 'png', 'webp', 'gif']);

/** @param parameters as the model's own schema left them @throws output_format_limit */
export function checkOutputLimit(
  bytes: Uint8Array,
  { task }: Pick<ModelManifest, 'task'>,
  parameters: Readonly<Record<string, unknown>>,
): void {
  if (task === 'classification') return;
  const asked = parameters as ParametersOf['super-resolution'] | ParametersOf['object-detection'];
  if ('annotated' in asked && !asked.annotated) return;
  const size = headerSize(bytes);
  // What a header claims beyond what workers take, they refuse for what it is.
  if (size === undefined || !PLAIN.has(size.type) || size.width * size.height > MOST_MEGAPIXELS * 1e6) return;
  checkOutputFormat(size, 'upscale_factor' in asked ? asked.upscale_factor : 1, asked.output_format);
}
