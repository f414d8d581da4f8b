/** Which fragments a stage is made of, and what the fragments need of its parameters that YAML cannot compute. */
import type { Variables } from './variables.ts';

type Resolve = Pick<Variables, 'resolveVariable'>;

const FLEETS = ['gpu', 'cpu', 'none'] as const;

/** The list under `resources` in serverless.yml; every entry is a fragment of its own concern. */
export async function resources({ resolveVariable }: Resolve): Promise<string[]> {
  const read = async (name: string) => String(await resolveVariable(`param:${name}`));
  const kind = (await read('fleet')) as (typeof FLEETS)[number];
  if (!FLEETS.includes(kind)) throw new Error(`fleet is ${kind}; it must be one of ${FLEETS.join(', ')}.`);
  const alarms = (await read('alarms')) === 'true';
  return [
    'infra/jobs.yml',
    'infra/webhooks.yml',
    'infra/storage.yml',
    'infra/gateway.yml',
    'infra/channel.yml',
    'infra/load.cjs:roles',
    ...((await read('page')) === 'true' ? ['infra/web.yml'] : []),
    ...(kind === 'none' ? [] : ['infra/network.yml', 'infra/worker.yml', `infra/fleet-${kind}.yml`]),
    ...(alarms ? ['infra/alarms.yml', 'infra/load.cjs:functionAlarms'] : []),
    ...(alarms && kind !== 'none' ? ['infra/alarms-fleet.yml'] : []),
    ...(alarms && (await read('alarmEmail')) !== '' ? ['infra/alarm-email.yml'] : []),
    ...((await read('dashboard')) === 'true' ? ['infra/load.cjs:dashboard'] : []),
  ].map((fragment) => {
    const [file, name] = fragment.split(':');
    return `\${file(${file})${name === undefined ? '' : `:${name}`}}`;
  });
}

/** What the scaling function steers, by the names that CloudFormation gives; empty where there is nothing. */
export async function fleet({ resolveVariable }: Resolve): Promise<Record<string, unknown>> {
  const kind = await resolveVariable('param:fleet');
  if (kind === 'none') return { cluster: '', service: '', group: '' };
  return {
    cluster: { Ref: 'Cluster' },
    service: { 'Fn::GetAtt': ['WorkerService', 'Name'] },
    group: kind === 'gpu' ? { Ref: 'GpuInstances' } : '',
  };
}

/** `g6.xlarge,g5.xlarge` as the overrides of a mixed instances policy. */
export async function instanceTypes({ resolveVariable }: Resolve): Promise<{ InstanceType: string }[]> {
  const types = String(await resolveVariable('param:instanceTypes')).split(',');
  return types.map((type) => ({ InstanceType: type.trim() }));
}

/** What a worker of this fleet computes on. */
export async function device({ resolveVariable }: Resolve): Promise<'cuda' | 'cpu'> {
  return (await resolveVariable('param:fleet')) === 'gpu' ? 'cuda' : 'cpu';
}
