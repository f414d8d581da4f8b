/** A table of its own for tests of the fleet: its rows have fixed names, so tests must not share one. */
import { afterAll } from 'vitest';
import { connectFleet } from '../../shared/aws/connect.ts';
import { openServices, type Services } from '../job/services.ts';

const opened: Services[] = [];
afterAll(() => Promise.all(opened.map((services) => services.close())));

export async function freshFleet() {
  const services = await openServices();
  opened.push(services);
  return { ...services, fleet: connectFleet(services.settings) };
}
