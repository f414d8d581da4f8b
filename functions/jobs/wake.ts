/**
 * Waking a fleet at zero from the submit path. A warm function remembers for a moment that workers are ordered, so a
 * busy stage pays one small read every two seconds; of many submits at zero one conditional write lets one through.
 * Failing to wake never fails the submit: the schedule and an alarm call the scaler too.
 */
import type { FleetStore } from '../../shared/aws/fleet-store.ts';
import type { ScaleInvoker } from '../../shared/aws/scale-invoker.ts';
import type { Logger } from '../../shared/log.ts';

const FRESH_MS = 2_000;

interface Services {
  readonly fleet: Pick<FleetStore, 'read' | 'claimWake'>;
  /** Undefined where there is nothing to wake. */
  readonly scaler: Pick<ScaleInvoker, 'wake'> | undefined;
  readonly log: Logger;
}

/** @param workSeconds predicted work of the job just submitted */
export type Wake = (workSeconds: number) => Promise<void>;

export function wakeFleet({ fleet, scaler, log }: Services, now: () => Date = () => new Date()): Wake {
  let awakeUntil = 0;
  return async (workSeconds) => {
    const at = now();
    if (scaler === undefined || at.getTime() < awakeUntil) return;
    try {
      const seen = await fleet.read();
      if (seen !== undefined && seen.desired > 0) {
        awakeUntil = at.getTime() + FRESH_MS;
        return;
      }
      if (!(await fleet.claimWake(at))) return;
      await scaler.wake(workSeconds);
      log.info({ work_seconds: workSeconds }, 'woke the fleet');
    } catch (error) {
      log.error({ err: error }, 'could not wake the fleet; its schedule will');
    }
  };
}
