/** The harbour as signed distances, and the colour of each of its surfaces. Units are about metres, the water is y = 0. */
import {
  add,
  type Color,
  clamp,
  clouds,
  hash,
  mix,
  modulo,
  noise,
  scaled,
  smooth,
  type Vec,
} from './vector.ts';

// Distances to simple bodies around the origin.
const box = (x: number, y: number, z: number, a: number, b: number, c: number, round = 0): number => {
  const [dx, dy, dz] = [Math.abs(x) - a + round, Math.abs(y) - b + round, Math.abs(z) - c + round];
  const outside = Math.sqrt(Math.max(dx, 0) ** 2 + Math.max(dy, 0) ** 2 + Math.max(dz, 0) ** 2);
  return outside + Math.min(0, Math.max(dx, dy, dz)) - round;
};
const stick = (x: number, y: number, z: number, [a, b, c]: Vec, [d, e, f]: Vec, radius: number): number => {
  const [px, py, pz, vx, vy, vz] = [x - a, y - b, z - c, d - a, e - b, f - c];
  const t = clamp((px * vx + py * vy + pz * vz) / (vx * vx + vy * vy + vz * vz));
  return Math.hypot(px - vx * t, py - vy * t, pz - vz * t) - radius;
};

const YAW = [Math.cos(0.3), Math.sin(0.3)] as const;
/** From the world to the boat: x to the bow, y up, z to starboard, which faces the camera. */
const aboard = ([x, y, z]: Vec): Vec => {
  const [east, south] = [x + 0.15, z - 0.2];
  const along = east * YAW[0] - south * YAW[1];
  return [along, y - 0.04 - along * 0.02, east * YAW[1] + south * YAW[0]];
};
const sheer = (x: number): number => 0.72 + 0.05 * Math.max(0, x + 0.5) ** 2;
function hull(x: number, y: number, z: number, inset: number): number {
  const t = clamp((x - 0.1) / (2.05 + 0.4 * y - inset));
  const beam = (0.72 + 0.3 * clamp(y + 0.2)) * Math.sqrt(Math.max(0, 1 - t ** 2.2)) - inset;
  return Math.max((Math.abs(z) - beam) * 0.7, (x - 2.15 - 0.4 * y + inset) * 0.8, -2.2 + inset - x);
}

const HOUSES = [
  { at: -9.2, half: 2.3, wall: 4.3, slope: 1.1, paint: [0.75, 0.5, 0.16] },
  { at: -4.7, half: 2.2, wall: 5.0, slope: 0.75, paint: [0.83, 0.77, 0.66] },
  { at: -0.5, half: 2.0, wall: 4.0, slope: 1.25, paint: [0.25, 0.42, 0.5] },
  { at: 3.6, half: 2.1, wall: 4.7, slope: 0.9, paint: [0.62, 0.24, 0.17] },
  { at: 7.9, half: 2.2, wall: 4.1, slope: 1.1, paint: [0.8, 0.66, 0.42] },
  { at: 12.3, half: 2.2, wall: 4.9, slope: 0.8, paint: [0.42, 0.5, 0.38] },
] as const satisfies readonly { at: number; half: number; wall: number; slope: number; paint: Color }[];
const HOUSE_FRONT = -11;
const QUAY = { edge: -4.2, height: 1.25 };
const BOLLARD: Vec = [5.0, QUAY.height, -4.7];
/** The mooring line hangs from the bow to the bollard. */
const ROPE = Array.from({ length: 9 }, (_, i): Vec => {
  const t = i / 8;
  const [from, to]: [Vec, Vec] = [[2.25, 1.12, -0.55], add(BOLLARD, [0, 0.3, 0])];
  return add(mix(from, to, t), [0, -1.5 * t * (1 - t), 0]);
});

type Material = 'hull' | 'wood' | 'cowl' | 'metal' | 'rope' | 'quay' | 'house' | 'awning' | 'buoy' | 'post';
let material: Material = 'hull';

/** Distance to the nearest surface but the water; its material is left in `material`. */
export function distance(x: number, y: number, z: number): number {
  let nearest = Number.POSITIVE_INFINITY;
  const offer = (d: number, what: Material) => {
    if (d >= nearest) return;
    nearest = d;
    material = what;
  };
  const [bx, by, bz] = aboard([x, y, z]);
  if (box(bx, by - 0.6, bz, 3.1, 1.1, 1.2) > 0.5) offer(box(bx, by - 0.6, bz, 3.1, 1.1, 1.2) + 0.2, 'hull');
  else {
    const top = sheer(bx);
    const inside = Math.max(hull(bx, by, bz, 0.1), 0.3 - by);
    offer(Math.max(hull(bx, by, bz, 0), by - top, -inside), 'hull');
    const rail = Math.max(hull(bx, by, bz, -0.05), -hull(bx, by, bz, 0.12), Math.abs(by - top) - 0.035);
    offer(rail, 'wood');
    const seats = Math.min(...[-1.3, -0.1, 1.1].map((at) => box(bx - at, by - 0.58, bz, 0.17, 0.03, 0.8)));
    offer(Math.max(seats, inside), 'wood');
    offer(box(bx + 2.52, by - 1.2, bz, 0.3, 0.27, 0.21, 0.12), 'cowl');
    offer(box(bx + 2.52, by - 0.92, bz, 0.22, 0.05, 0.16, 0.04), 'metal');
    offer(box(bx + 2.5, by - 0.3, bz, 0.1, 0.62, 0.06, 0.05), 'cowl');
    offer(box(bx + 2.3, by - 0.72, bz, 0.16, 0.14, 0.12, 0.03), 'metal');
    offer(stick(bx, by, bz, [-2.25, 1.05, 0], [-1.55, 1.2, 0.12], 0.035), 'metal');
    for (const [at, side] of [
      [-1.85, 1.08],
      [1.22, 0.96],
    ] as const) {
      offer(stick(bx, by, bz, [at, 0.1, side], [at, 0.36, side], 0.09), 'buoy');
      offer(stick(bx, by, bz, [at, 0.4, side], [at, sheer(at), side - 0.09], 0.018), 'rope');
    }
  }
  const quay = box(x, y, z - QUAY.edge + 10, 40, QUAY.height, 10, 0.04);
  offer(quay, 'quay');
  offer(Math.hypot(Math.hypot(x + 1.6, y - 0.7) - 0.3, z - QUAY.edge - 0.06) - 0.085, 'buoy');
  offer(stick(x, y, z, BOLLARD, add(BOLLARD, [0, 0.45, 0]), 0.13), 'metal');
  offer(stick(x, y, z, add(BOLLARD, [-0.2, 0.42, 0]), add(BOLLARD, [0.2, 0.42, 0]), 0.07), 'metal');
  if (x > 1.5 && x < 5.5) {
    for (const [i, from] of ROPE.slice(0, -1).entries()) {
      offer(stick(x, y, z, from, ROPE[i + 1] ?? from, 0.033), 'rope');
    }
  }
  for (const [px, pz, height] of [
    [-4.3, -2.4, 1.9],
    [-3.75, -2.9, 1.6],
    [5.35, -1.6, 1.9],
  ] as const) {
    offer(Math.max(Math.hypot(x - px, z - pz) - 0.17, y - height), 'post');
  }
  for (const { at, half, wall, slope } of HOUSES) {
    const roof = (y - QUAY.height - wall - (half - Math.abs(x - at)) * slope) / Math.hypot(1, slope);
    offer(Math.max(Math.abs(x - at) - half, roof, Math.abs(z - HOUSE_FRONT + 2) - 2), 'house');
  }
  const [ay, az] = [y - 3.15 + (z + 10) * 0.45, z + 10.1];
  offer(
    Math.max(Math.abs(x + 4.7) - 1.9, Math.abs(ay) - 0.05 - (z > -9.25 ? 0.14 : 0), Math.abs(az) - 0.95) *
      0.85,
    'awning',
  );
  return nearest;
}

/** The material of the surface that the last call of `distance` found nearest. */
export const lastMaterial = (): Material => material;

// Letters of 5 × 7, a row of bits each.
const FONT: Readonly<Record<string, readonly number[]>> = {
  O: [14, 17, 17, 17, 17, 17, 14],
  U: [17, 17, 17, 17, 17, 17, 14],
  T: [31, 4, 4, 4, 4, 4, 4],
  B: [30, 17, 17, 30, 17, 17, 30],
  A: [14, 17, 17, 31, 17, 17, 17],
  R: [30, 17, 17, 30, 20, 18, 17],
  D: [30, 17, 17, 17, 17, 17, 30],
};
const NAME = 'OUTBOARD';
const LETTER = { left: -1.56, top: 0.63, width: 0.052, height: 0.052 };

function isLettered(x: number, y: number): boolean {
  const column = Math.floor((x - LETTER.left) / LETTER.width);
  const row = Math.floor((LETTER.top - y) / LETTER.height);
  const bits = FONT[NAME.charAt(Math.floor(column / 6))]?.[row] ?? 0;
  const inLetter = modulo(column, 6);
  return inLetter < 5 && ((bits >> (4 - inLetter)) & 1) === 1;
}

function bricks(x: number, y: number): Color {
  const row = Math.floor(y / 0.16);
  const shifted = x / 0.42 + (row % 2) * 0.5;
  const [u, v] = [modulo(shifted, 1), modulo(y / 0.16, 1)];
  const tone = 0.65 + 0.5 * hash(Math.floor(shifted), row) + 0.25 * (noise(x * 22, y * 22) - 0.5);
  const brick = scaled(mix([0.36, 0.17, 0.11], [0.45, 0.27, 0.17], hash(row, Math.floor(shifted))), tone);
  const isMortar = u < 0.06 || v < 0.14;
  const wet = 1 - 0.55 * (1 - smooth(0.15, 0.4, y + 0.12 * noise(x * 2, 3)));
  return scaled(isMortar ? [0.5, 0.46, 0.4] : brick, wet);
}

function facade(x: number, y: number): Color {
  const house = HOUSES.find(({ at, half }) => Math.abs(x - at) <= half + 0.02) ?? HOUSES[0];
  const [across, up] = [x - house.at, y - QUAY.height];
  const rake = (up - house.wall - (house.half - Math.abs(across)) * house.slope) / Math.hypot(1, house.slope);
  const plaster = scaled(
    house.paint,
    0.55 + 0.35 * clouds(x * 0.9, y * 0.5, 5) + 0.3 * clouds(x * 6, y * 6, 3),
  );
  if (rake > -0.16) return [0.75, 0.72, 0.66];
  if (up < 0.35) return scaled([0.36, 0.34, 0.33], 0.8 + 0.4 * noise(x * 9, y * 9));
  const [column, floor] = [Math.round(across / 1.25), Math.floor((up - 0.45) / 1.5)];
  const [u, v] = [Math.abs(across - column * 1.25), up - 0.45 - floor * 1.5];
  const side = Math.abs(column) * 1.25 + 0.62;
  // A window is whole or not there: its upper corner must lie below the gable.
  const fits = side < house.half && floor * 1.5 + 1.85 < house.wall + (house.half - side) * house.slope;
  if (!fits || v < 0.2 || v > 1.28 || u > 0.58) return plaster;
  if (u > 0.36)
    return v < 0.25 || v > 1.2 ? plaster : scaled([0.16, 0.3, 0.27], modulo(v, 0.09) < 0.03 ? 0.5 : 1);
  const isFrame = u > 0.3 || u < 0.03 || v < 0.27 || v > 1.21 || Math.abs(v - 0.85) < 0.03;
  return isFrame
    ? [0.85, 0.84, 0.8]
    : mix([0.05, 0.07, 0.1], [0.3, 0.4, 0.5], clouds(x * 1.5 + column, y * 1.5, 3) - 0.15);
}

/** The colour in white light, and how much of a mirror it is (0 to 1). */
export function surface(what: Material, at: Vec, normal: Vec): { color: Color; gloss: number } {
  const [x, y, z] = at;
  const [bx, by, bz] = aboard(at);
  const planks = (u: number, v: number): Color =>
    scaled([0.42, 0.23, 0.1], 0.75 + 0.5 * clouds(u * 3, v * 40, 3) - (modulo(v, 0.16) < 0.018 ? 0.4 : 0));
  switch (what) {
    case 'hull': {
      const isOutside = Math.abs(bz) > 0.05 && by < sheer(bx) - 0.01 && hull(bx, by, bz, 0.05) > 0;
      if (!isOutside) return { color: planks(bx, bz), gloss: 0 };
      if (by < 0.1) return { color: [0.06, 0.07, 0.09], gloss: 0.1 };
      if (by < 0.15 || (bz > 0 && isLettered(bx, by))) return { color: [0.9, 0.88, 0.82], gloss: 0.1 };
      return { color: [0.62, 0.07, 0.045], gloss: 0.22 };
    }
    case 'wood':
      return { color: planks(bx, bz + by), gloss: 0.05 };
    case 'cowl': {
      const band = by - 1.17 - bx * 0.05;
      if (by > 1 && Math.abs(band) < 0.03) return { color: [0.85, 0.3, 0.05], gloss: 0.2 };
      return { color: by > 1.0 && band > 0.03 ? [0.035, 0.04, 0.05] : [0.12, 0.13, 0.15], gloss: 0.2 };
    }
    case 'metal':
      return { color: [0.1, 0.1, 0.11], gloss: 0.15 };
    case 'rope':
      return { color: scaled([0.72, 0.6, 0.4], modulo(x * 9 + y * 14, 1) < 0.3 ? 0.5 : 1), gloss: 0 };
    case 'quay': {
      const grain = 0.75 + 0.4 * clouds(x * 8, z * 8 + y * 8, 3);
      const isCap = y > QUAY.height - 0.2;
      const isJoint = modulo(x, 1.3) < 0.03 || (normal[1] > 0.5 && modulo(z, 0.9) < 0.03);
      if (isCap) return { color: scaled([0.5, 0.47, 0.42], isJoint ? 0.45 : grain), gloss: 0 };
      return { color: bricks(x, y), gloss: 0 };
    }
    case 'house':
      return {
        color: normal[2] > 0.5 ? facade(x, y) : scaled([0.35, 0.16, 0.11], modulo(y, 0.2) < 0.05 ? 0.6 : 1),
        gloss: 0,
      };
    case 'awning':
      return { color: modulo(x, 0.5) < 0.25 ? [0.85, 0.83, 0.78] : [0.08, 0.22, 0.42], gloss: 0 };
    case 'buoy': {
      const quarter = modulo((Math.atan2(y - 0.7, x + 1.6) / Math.PI) * 2 + 0.25, 1);
      return { color: z < -3 && quarter < 0.5 ? [0.75, 0.12, 0.05] : [0.88, 0.86, 0.8], gloss: 0.05 };
    }
    case 'post':
      return {
        color: scaled([0.3, 0.24, 0.18], (0.5 + clouds(x * 30, y * 3, 3)) * (y < 0.35 ? 0.35 : 1)),
        gloss: 0,
      };
  }
}
