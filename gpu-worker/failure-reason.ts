/** Why attempts end without a result, in the few words that a dashboard tells apart. */
import type { ErrorCode } from '../shared/errors.ts';

/**
 * `rejected`: refused by a limit or for what was asked; `input`: the picture or its server; `device`: the model or what it
 * runs on; `timeout`: a deadline; `canceled`: by its client, or erased; `other`: services and whatever was not foreseen.
 */
export const failureReasons = ['rejected', 'canceled', 'device', 'input', 'timeout', 'other'] as const;
export type FailureReason = (typeof failureReasons)[number];

const reasons: Readonly<Partial<Record<ErrorCode, FailureReason>>> = {
  unknown_model: 'rejected',
  unsupported_upscale_factor: 'rejected',
  invalid_request: 'rejected',
  input_too_large: 'rejected',
  memory_exceeded: 'rejected',
  image_too_many_pixels: 'rejected',
  output_too_many_pixels: 'rejected',
  output_format_limit: 'rejected',
  url_forbidden: 'rejected',
  url_invalid: 'rejected',
  url_timeout: 'timeout',
  deadline_exceeded: 'timeout',
  model_failed: 'device',
  device_out_of_memory: 'device',
  quarantined: 'device',
};

export function failureReason(code: ErrorCode): FailureReason {
  return reasons[code] ?? (/^(url|image|input)_/.test(code) ? 'input' : 'other');
}
