/**
 * Where a picture lies in its frame while somebody zooms and pans. Pure: lengths are CSS pixels, `scale` is CSS pixels a
 * picture pixel, `density` device pixels a CSS pixel, so one to one is `scale = 1 / density`.
 */

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The picture's top left corner is at (x, y) of the frame. */
export interface Placement extends Point {
  readonly scale: number;
}

export interface Scene {
  readonly picture: Size;
  readonly frame: Size;
  readonly density: number;
  /** Small pictures are shown this many device pixels a pixel at first, at most. */
  readonly largestFit: number;
}

const LARGEST_ZOOM = 32;

/** The scale at which the whole picture is seen. */
export function fitScale({ picture, frame, density, largestFit }: Scene): number {
  const contain = Math.min(frame.width / picture.width, frame.height / picture.height);
  return Math.min(contain, largestFit / density);
}

export const oneToOneScale = ({ density }: Scene): number => 1 / density;

/** The whole picture, in the middle. */
export const wholePicture = (scene: Scene): Placement =>
  settle({ scale: fitScale(scene), x: 0, y: 0 }, scene);

/** Another scale, with the picture's point under `at` staying where it is. */
export function zoomTo(placement: Placement, scale: number, at: Point, scene: Scene): Placement {
  const least = Math.min(fitScale(scene), oneToOneScale(scene));
  const next = Math.min(LARGEST_ZOOM / scene.density, Math.max(least, scale));
  const ratio = next / placement.scale;
  return settle(
    { scale: next, x: at.x - (at.x - placement.x) * ratio, y: at.y - (at.y - placement.y) * ratio },
    scene,
  );
}

export const panBy = (placement: Placement, by: Point, scene: Scene): Placement =>
  settle({ ...placement, x: placement.x + by.x, y: placement.y + by.y }, scene);

/**
 * No empty room where there is picture to fill it, the middle where there is not, and always whole device pixels: a
 * picture that lies between pixels is never seen as it is.
 */
function settle({ scale, x, y }: Placement, { picture, frame, density }: Scene): Placement {
  const axis = (offset: number, shown: number, room: number): number => {
    const kept = shown <= room ? (room - shown) / 2 : Math.min(0, Math.max(room - shown, offset));
    return Math.round(kept * density) / density;
  };
  return {
    scale,
    x: axis(x, picture.width * scale, frame.width),
    y: axis(y, picture.height * scale, frame.height),
  };
}

/** Whether there is more picture than frame. */
export const canPan = ({ scale }: Placement, { picture, frame }: Scene): boolean =>
  picture.width * scale > frame.width + 0.5 || picture.height * scale > frame.height + 0.5;

export const middleOf = ({ width, height }: Size): Point => ({ x: width / 2, y: height / 2 });
