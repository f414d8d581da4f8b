/**
 * Structured logs: one JSON object a line, the form CloudWatch Logs Insights and every log shipper read.
 * Both halves log through this door, so that a field has one name everywhere (`job_id`, `code`, `err`).
 */
import { type Logger as PinoLogger, pino } from 'pino';

/** The part of pino that the code uses; tests hand in a silent one. */
export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error'>;

export function createLogger(name: string, level = 'info'): Logger {
  return pino({
    level,
    base: { service: name },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}
