/** Zooming and panning of one frame by wheel, fingers, mouse and keys, over the pure geometry beside it. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import {
  canPan,
  fitScale,
  middleOf,
  oneToOneScale,
  type Placement,
  type Point,
  panBy,
  type Scene,
  type Size,
  wholePicture,
  zoomTo,
} from './geometry.ts';

const ZOOM_STEP = 1.5;
const PAN_STEP = 64;
/** In the narrow layout the page scrolls, and a wheel over the picture must not stop that. */
const wideLayout = matchMedia('(min-width: 60rem)');

export interface Viewport {
  readonly frame: { current: HTMLDivElement | null };
  /** Undefined until the frame has a size. */
  readonly placement: Placement | undefined;
  readonly zoomed: boolean;
  readonly percent: number;
  readonly atFit: boolean;
  readonly atOneToOne: boolean;
  fit(): void;
  oneToOne(at?: Point): void;
  zoomBy(factor: number): void;
  /** @returns whether the key meant something here */
  key(event: KeyboardEvent): boolean;
  pointerDown(event: PointerEvent): void;
  pointerMove(event: PointerEvent): void;
  pointerUp(event: PointerEvent): void;
  doubleClick(event: MouseEvent): void;
}

/** @param dragAtFit what a drag does where there is nothing to pan; told x within the frame */
export function useViewport(
  picture: Size,
  largestFit: number,
  dragAtFit?: (x: number, width: number) => void,
): Viewport {
  const frame = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState<Size>();
  /** Undefined follows the frame: the whole picture, whatever size the frame gets. */
  const [chosen, choose] = useState<Placement>();
  const pointers = useRef(new Map<number, Point>());

  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const observer = new ResizeObserver(() =>
      setSize({ width: element.clientWidth, height: element.clientHeight }),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const scene: Scene = { picture, frame: size ?? picture, density: devicePixelRatio, largestFit };
  const current = chosen === undefined ? wholePicture(scene) : panBy(chosen, { x: 0, y: 0 }, scene);
  const zoomed = canPan(current, scene);
  const latest = useRef({ scene, current });
  latest.current = { scene, current };

  const zoomAt = useCallback((scale: number, at: Point) => {
    const now = latest.current;
    choose(zoomTo(now.current, scale, at, now.scene));
  }, []);
  const positionOf = useCallback((event: MouseEvent): Point => {
    const box = frame.current?.getBoundingClientRect();
    return { x: event.clientX - (box?.left ?? 0), y: event.clientY - (box?.top ?? 0) };
  }, []);

  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const wheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !wideLayout.matches) return;
      event.preventDefault();
      zoomAt(latest.current.current.scale * Math.exp(-event.deltaY / 300), positionOf(event));
    };
    // Not by an attribute: it must be able to keep the page from scrolling.
    element.addEventListener('wheel', wheel, { passive: false });
    return () => element.removeEventListener('wheel', wheel);
  }, [zoomAt, positionOf]);

  const middle = middleOf(scene.frame);
  const oneToOne = (at: Point = middle) => zoomAt(oneToOneScale(scene), at);
  const zoomBy = (factor: number) => zoomAt(current.scale * factor, middle);
  const pan = (x: number, y: number) => choose(panBy(current, { x, y }, scene));

  const keys: Readonly<Record<string, () => void>> = {
    '+': () => zoomBy(ZOOM_STEP),
    '=': () => zoomBy(ZOOM_STEP),
    '-': () => zoomBy(1 / ZOOM_STEP),
    '0': () => choose(undefined),
    '1': () => oneToOne(),
    ArrowLeft: () => pan(PAN_STEP, 0),
    ArrowRight: () => pan(-PAN_STEP, 0),
    ArrowUp: () => pan(0, PAN_STEP),
    ArrowDown: () => pan(0, -PAN_STEP),
  };

  return {
    frame,
    placement: size === undefined ? undefined : current,
    zoomed,
    percent: Math.round(current.scale * scene.density * 100),
    atFit: chosen === undefined || Math.abs(current.scale - fitScale(scene)) < 1e-6,
    atOneToOne: Math.abs(current.scale - oneToOneScale(scene)) < 1e-6,
    fit: () => choose(undefined),
    oneToOne,
    zoomBy,
    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return false;
      const action = keys[event.key];
      if (action === undefined) return false;
      action();
      return true;
    },
    pointerDown(event) {
      if (event.button !== 0) return;
      pointers.current.set(event.pointerId, positionOf(event));
      frame.current?.setPointerCapture(event.pointerId);
    },
    pointerMove(event) {
      const before = pointers.current.get(event.pointerId);
      if (before === undefined) return;
      const now = positionOf(event);
      const [other] = [...pointers.current].filter(([id]) => id !== event.pointerId);
      pointers.current.set(event.pointerId, now);
      if (other !== undefined) pinch(other[1], before, now);
      else if (zoomed) pan(now.x - before.x, now.y - before.y);
      else dragAtFit?.(now.x, scene.frame.width);
    },
    pointerUp(event) {
      pointers.current.delete(event.pointerId);
    },
    doubleClick(event) {
      if (zoomed) choose(undefined);
      else zoomAt(Math.max(oneToOneScale(scene), current.scale * 2), positionOf(event));
    },
  };

  /** Two fingers: the point between them stays between them, and their distance is the zoom. */
  function pinch(still: Point, before: Point, now: Point): void {
    const distance = (a: Point, b: Point) => Math.hypot(a.x - b.x, a.y - b.y);
    const middleBefore = { x: (still.x + before.x) / 2, y: (still.y + before.y) / 2 };
    const middleNow = { x: (still.x + now.x) / 2, y: (still.y + now.y) / 2 };
    const factor = distance(still, now) / Math.max(1, distance(still, before));
    const larger = zoomTo(current, current.scale * factor, middleBefore, scene);
    choose(panBy(larger, { x: middleNow.x - middleBefore.x, y: middleNow.y - middleBefore.y }, scene));
  }
}
