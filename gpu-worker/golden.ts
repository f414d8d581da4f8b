/**
 * The golden example of a version, run on this device before the version serves: a file that was damaged on its way, a
 * driver that computes something else, a wrong operator all show here and not in somebody's picture.
 */
import path from 'node:path';
import { type ManifestOf, versionOf } from '../shared/model.ts';
import { rank } from './classify.ts';
import { findRows } from './detect.ts';
import { readRgb } from './image/read-rgb.ts';
import type { DevicePool } from './inference/device-pool.ts';
import { isTask, type LoadedModel, pictureGraph, pictureLane } from './loaded-model.ts';
import { classesDrift, detectionsDrift, pictureDrift } from './tensor/drift.ts';

type Device = Pick<DevicePool, 'enlarge' | 'infer'>;

/** A model that is not checked serves nobody, so its check comes before all jobs. */
const on = {
  turn: { tenant: '', job: 'golden example', priority: 'normal', deadline: 0 },
  signal: new AbortController().signal,
} as const;

/** @throws Error that says by how much the version differs from its golden example; does nothing where it has none */
export async function checkGolden(model: LoadedModel, device: Device): Promise<void> {
  const drift = await driftOf(model, device);
  if (drift === undefined || drift.every(({ found, allowed }) => found <= allowed)) return;
  const worst = drift
    .map(({ what, found, allowed }) => `${what} by ${found} (allowed ${allowed})`)
    .join(', ');
  throw new Error(`${versionOf(model.manifest)} differs from its golden example: ${worst}.`);
}

interface Drift {
  readonly what: string;
  readonly found: number;
  readonly allowed: number;
}

async function driftOf(model: LoadedModel, device: Device): Promise<Drift[] | undefined> {
  const { golden } = model.manifest;
  if (golden === undefined) return undefined;
  const { pixels, width, height } = await readRgb(path.join(model.folder, golden.input));
  if (isTask(model, 'super-resolution')) return enlargeDrift(model, { pixels, width, height }, device);
  if (isTask(model, 'classification')) return classDrift(model, pixels, device);
  if (isTask(model, 'object-detection')) return boxDrift(model, pixels, device);
  return undefined;
}

async function enlargeDrift(
  model: LoadedModel<'super-resolution'>,
  input: { readonly pixels: Uint8Array; readonly width: number; readonly height: number },
  device: Device,
): Promise<Drift[]> {
  const { golden, graphs } = model.manifest as ManifestOf<'super-resolution'>;
  if (golden === undefined) return [];
  const expected = await readRgb(path.join(model.folder, golden.output));
  const scale = expected.width / input.width;
  const graph = pictureGraph(model, graphs.length === 1 ? (graphs[0]?.scale ?? scale) : scale);
  const found = await device.enlarge({
    ...on,
    lane: pictureLane(graph, input, false),
    fill: (room) => room.set(input.pixels),
    read: (output) => pictureDrift(expected.pixels, output),
  });
  return [{ what: 'levels', found, allowed: golden.tolerance.levels }];
}

async function classDrift(
  model: LoadedModel<'classification'>,
  pixels: Uint8Array,
  device: Device,
): Promise<Drift[]> {
  const { golden } = model.manifest;
  if (golden === undefined) return [];
  const ranked = await rank(model, pixels, device, on);
  const actual = {
    class_ids: ranked.map(({ class_id }) => class_id),
    scores: ranked.map(({ score }) => score),
  };
  const allowed = golden.tolerance.score;
  return [{ what: 'scores', found: classesDrift(golden, actual, allowed), allowed }];
}

async function boxDrift(
  model: LoadedModel<'object-detection'>,
  pixels: Uint8Array,
  device: Device,
): Promise<Drift[]> {
  const { golden } = model.manifest;
  if (golden === undefined) return [];
  const actual = await findRows(model, pixels, golden, device, on);
  const { score, pixels: apart } = detectionsDrift(golden.detections, actual);
  return [
    { what: 'scores', found: score, allowed: golden.tolerance.score },
    { what: 'corners', found: apart, allowed: golden.tolerance.pixels },
  ];
}
