/** The last try of what did not fit the device's memory beside other work: once more, with the device to itself. */
import { OutboardError } from '../shared/errors.ts';

/** @throws device_out_of_memory where it does not fit alone either */
export async function orAlone<Answer>(run: (isAlone: boolean) => Promise<Answer>): Promise<Answer> {
  try {
    return await run(false);
  } catch (error) {
    if (!isOutOfMemory(error)) throw error;
    return run(true);
  }
}

export const isOutOfMemory = (error: unknown): boolean =>
  error instanceof OutboardError && error.code === 'device_out_of_memory';
