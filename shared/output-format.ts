/**
 * What a picture in each output format may measure, pixels: limits of the formats, which no setting changes. Checked where
 * the size of a picture is known first, at submit or by the worker.
 */
import { OutboardError } from './errors.ts';

const formatLimits = {
  png: { side: 2 ** 31 - 1, area: Number.POSITIVE_INFINITY },
  jpeg: { side: 65_535, area: Number.POSITIVE_INFINITY },
  // All block modes of a lossy WebP must fit into 512 KiB: 108 megapixels were seen to pass and 192 to fail.
  webp: { side: 16_383, area: 100_000_000 },
} as const;
export type OutputFormat = keyof typeof formatLimits;

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Whether the format can hold a picture made `factor` times wider and higher.
 * @throws output_format_limit, with the formats that could
 */
export function checkOutputFormat({ width, height }: Size, factor: number, format: OutputFormat): void {
  const made = { width: width * factor, height: height * factor };
  const holds = (limit: { readonly side: number; readonly area: number }) =>
    Math.max(made.width, made.height) <= limit.side && made.width * made.height <= limit.area;
  const { side, area } = formatLimits[format];
  if (holds({ side, area })) return;
  const others = Object.entries(formatLimits).filter(([, other]) => holds(other));
  const instead = [
    ...others.map(([name]) => `output_format ${name}`),
    ...(factor > 1 ? ['a smaller upscale_factor'] : []),
  ].join(' or ');
  const inAll = area < Number.POSITIVE_INFINITY ? ` and ${area} in all` : '';
  const most = `${format.toUpperCase()} ends at ${side} pixels a side${inAll}`;
  throw new OutboardError('output_format_limit', {
    detail: `It would be ${made.width}×${made.height}; ${most}. Ask for ${instead}.`,
    field: 'output_format',
  });
}
