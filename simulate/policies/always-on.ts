/** A fleet that never changes: what is left when nobody scales. */
import type { Policy } from './policy.ts';

export const alwaysOn = (workers: number, name: string): Policy => ({
  name,
  initial: workers,
  wakes: false,
  decide: () => workers,
});
