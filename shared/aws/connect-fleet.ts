/** Clients of the fleet's machines; apart from connect.ts, because only the scaling function should carry them. */
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { ECSClient } from '@aws-sdk/client-ecs';
import { FleetCapacity } from './fleet-capacity.ts';

interface FleetSettings {
  readonly AWS_REGION: string;
  readonly AWS_ENDPOINT_URL_ECS?: string | undefined;
  readonly AWS_ENDPOINT_URL_AUTO_SCALING?: string | undefined;
  readonly OUTBOARD_FLEET_CLUSTER?: string | undefined;
  readonly OUTBOARD_FLEET_SERVICE?: string | undefined;
  readonly OUTBOARD_FLEET_GROUP?: string | undefined;
}

/** @returns undefined where the stage has no fleet of its own */
export function connectCapacity(settings: FleetSettings): FleetCapacity | undefined {
  const { OUTBOARD_FLEET_CLUSTER: cluster, OUTBOARD_FLEET_SERVICE: service } = settings;
  if (cluster === undefined || service === undefined) return undefined;
  const client = (endpoint: string | undefined) => ({
    region: settings.AWS_REGION,
    ...(endpoint === undefined ? {} : { endpoint }),
  });
  return new FleetCapacity(
    {
      ecs: new ECSClient(client(settings.AWS_ENDPOINT_URL_ECS)),
      autoScaling: new AutoScalingClient(client(settings.AWS_ENDPOINT_URL_AUTO_SCALING)),
    },
    { cluster, service, group: settings.OUTBOARD_FLEET_GROUP },
  );
}
