/**
 * Draws the project's own photograph, test/fixtures/photo.jpg and photo-small.png: a harbour, ray-marched, with the
 * edges and textures on which super-resolution shows. No chance is involved: the same picture on every run.
 */
import path from 'node:path';
import sharp from 'sharp';
import { distance, lastMaterial, surface } from './scene/harbour.ts';
import {
  add,
  type Color,
  clamp,
  clouds,
  dot,
  mix,
  noise,
  scaled,
  smooth,
  times,
  unit,
  type Vec,
} from './scene/vector.ts';

const WIDTH = 1280;
const HEIGHT = 960;
const FAR = 60;
const NEAR_ENOUGH = 0.0008;

const SUN = unit([-0.55, 0.62, 0.56]);
const SUNLIGHT: Color = [2.5, 2.2, 1.75];
const SKYLIGHT: Color = [0.42, 0.52, 0.68];

const EYE: Vec = [-0.9, 2.05, 7.2];
const FORWARD = unit(add([-0.2, 1.45, 0], EYE, -1));
const RIGHT = unit([-FORWARD[2], 0, FORWARD[0]]);
const UP: Vec = [
  RIGHT[1] * FORWARD[2] - RIGHT[2] * FORWARD[1],
  RIGHT[2] * FORWARD[0] - RIGHT[0] * FORWARD[2],
  RIGHT[0] * FORWARD[1] - RIGHT[1] * FORWARD[0],
];
const ZOOM = 2.05;

/** How far a ray goes until it meets a surface, or FAR. */
function march(from: Vec, toward: Vec, limit: number): number {
  let gone = 0.01;
  for (let step = 0; step < 160 && gone < limit; step++) {
    const free = distance(from[0] + toward[0] * gone, from[1] + toward[1] * gone, from[2] + toward[2] * gone);
    if (free < NEAR_ENOUGH * (1 + gone * 0.3)) return gone;
    gone += free * 0.9;
  }
  return FAR;
}

function normalAt([x, y, z]: Vec): Vec {
  const e = 0.001;
  const here = distance(x, y, z);
  return unit([distance(x + e, y, z) - here, distance(x, y + e, z) - here, distance(x, y, z + e) - here]);
}

function sky(toward: Vec): Color {
  const height = Math.max(0.02, toward[1]);
  const blue = mix([0.72, 0.8, 0.88], [0.14, 0.33, 0.68], smooth(0, 0.6, height));
  const [u, v] = [(toward[0] / (height + 0.22)) * 1.3, (toward[2] / (height + 0.22)) * 1.3];
  const cover = smooth(0.44, 0.66, clouds(u + 4.2, v + 1.1, 6));
  const lit = smooth(0.35, 0.75, clouds(u + 4.05, v + 0.95, 5));
  const cloud = mix([1.12, 1.07, 1.0], [0.66, 0.7, 0.78], lit);
  return mix(blue, cloud, cover * 0.92);
}

/** Light that comes from where a ray ends. @param bounces mirrors it may still meet */
function radiance(from: Vec, toward: Vec, bounces: number): Color {
  const solid = march(from, toward, FAR);
  const water = toward[1] < 0 ? -from[1] / toward[1] : FAR;
  if (water > 0 && water < solid && water < FAR)
    return waterColor(add(from, toward, water), toward, water, bounces);
  if (solid >= FAR) return sky(toward);

  const at = add(from, toward, solid);
  distance(...at);
  const what = lastMaterial();
  const normal = normalAt(at);
  const { color, gloss } = surface(what, at, normal);
  const start = add(at, normal, 0.01);
  const facing = Math.max(0, dot(normal, SUN));
  const sun = facing > 0 && march(start, SUN, 12) >= 12 ? facing : 0;
  const open =
    clamp(distance(...add(at, normal, 0.25)) / 0.25) * 0.6 +
    clamp(distance(...add(at, normal, 0.07)) / 0.07) * 0.4;
  const ambient = scaled(SKYLIGHT, (0.55 + 0.45 * normal[1]) * (0.25 + 0.75 * open));
  const bounce = scaled([0.2, 0.19, 0.16], (0.5 - 0.5 * normal[1]) * open);
  const diffuse = times(color, add(add(scaled(SUNLIGHT, sun), ambient), bounce));
  if (gloss === 0) return diffuse;
  const mirrored = add(toward, normal, -2 * dot(toward, normal));
  const fresnel = gloss + (1 - gloss) * (1 - Math.max(0, -dot(toward, normal))) ** 5;
  const shine = scaled(SUNLIGHT, sun === 0 ? 0 : Math.max(0, dot(mirrored, SUN)) ** 90 * 2);
  const reflected = bounces > 0 ? radiance(start, mirrored, bounces - 1) : sky(mirrored);
  return add(mix(diffuse, reflected, fresnel * 0.5), shine, gloss);
}

function waves(x: number, z: number): number {
  const [u, v] = [x + 0.5 * noise(x * 0.7, z * 0.7), z + 0.5 * noise(x * 0.6 + 9, z * 0.6)];
  const swell = Math.sin(u * 1.3 + v * 2.9) * 0.016 + Math.sin(u * -2.1 + v * 4.3) * 0.009;
  return swell + 0.05 * clouds(u * 1.4, v * 3.2, 4) + 0.012 * noise(u * 9, v * 17);
}

function waterColor(at: Vec, toward: Vec, gone: number, bounces: number): Color {
  const e = 0.004 * (1 + gone * 0.25);
  const here = waves(at[0], at[2]);
  const slope: Vec = [(waves(at[0] + e, at[2]) - here) / e, 0, (waves(at[0], at[2] + e) - here) / e];
  const normal = unit(add([0, 1, 0], slope, -0.5));
  const fresnel = 0.03 + 0.97 * (1 - clamp(-dot(toward, normal))) ** 5;
  let mirrored = add(toward, normal, -2 * dot(toward, normal));
  if (mirrored[1] < 0.01) mirrored = unit([mirrored[0], 0.01, mirrored[2]]);
  const reflected = bounces > 0 ? radiance(add(at, [0, 1, 0], 0.004), mirrored, bounces - 1) : sky(mirrored);
  const glint = scaled(SUNLIGHT, Math.max(0, dot(mirrored, SUN)) ** 220 * 3);
  const deep = mix([0.02, 0.1, 0.115], [0.05, 0.19, 0.19], clamp(0.5 + here * 9));
  return add(mix(deep, reflected, clamp(fresnel * 1.25 + 0.08)), glint);
}

/** Film: highlights roll off, shadows keep some air. */
function develop(light: number): number {
  const exposed = light * 0.6;
  const film = (exposed * (2.51 * exposed + 0.03)) / (exposed * (2.43 * exposed + 0.59) + 0.14);
  return 255 * clamp(film) ** (1 / 2.2);
}

/** One ray a pixel: the picture is made to be scaled down, which is what smooths its edges. */
function render(width: number, height: number): Uint8Array {
  const pixels = new Uint8Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const u = (column + 0.5 - width / 2) / (height / 2);
      const v = (height / 2 - row - 0.5) / (height / 2);
      const light = radiance(EYE, unit(add(add(scaled(FORWARD, ZOOM), RIGHT, u), UP, v)), 2);
      const vignette = 1 - 0.12 * (u * u + v * v);
      pixels.set(
        light.map((channel) => develop(channel * vignette)),
        (row * width + column) * 3,
      );
    }
  }
  return pixels;
}

const fixtures = path.resolve(import.meta.dirname, '../test/fixtures');
const raw = { width: WIDTH, height: HEIGHT, channels: 3 } as const;
const scene = sharp(render(WIDTH, HEIGHT), { raw });
await scene
  .clone()
  .resize(320, 240, { kernel: 'lanczos3' })
  .jpeg({ quality: 92, chromaSubsampling: '4:4:4' })
  .toFile(path.join(fixtures, 'photo.jpg'));
await scene
  .clone()
  .resize(96, 72, { kernel: 'lanczos3' })
  .png()
  .toFile(path.join(fixtures, 'photo-small.png'));
