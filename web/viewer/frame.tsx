/** The frame of a picture with its zoom controls; what lies inside is placed by `useViewport`. */
import type { ComponentChildren } from 'preact';
import { Icon } from '../parts/icon.tsx';
import type { Placement, Size } from './geometry.ts';
import type { Viewport } from './use-viewport.ts';

interface FrameProps {
  readonly viewport: Viewport;
  readonly label: string;
  readonly children: ComponentChildren;
}

export function Frame({ viewport, label, children }: FrameProps) {
  const { frame, zoomed, percent, atFit, atOneToOne } = viewport;
  return (
    <div class="viewer">
      <div
        ref={frame}
        class={zoomed ? 'frame is-zoomed' : 'frame'}
        role="application"
        aria-roledescription="picture viewer"
        aria-label={label}
        aria-describedby="viewer-keys"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: keys pan and zoom it
        tabIndex={0}
        onKeyDown={(event) => {
          if (event.target === event.currentTarget && viewport.key(event)) event.preventDefault();
        }}
        onPointerDown={viewport.pointerDown}
        onPointerMove={viewport.pointerMove}
        onPointerUp={viewport.pointerUp}
        onPointerCancel={viewport.pointerUp}
        onDblClick={viewport.doubleClick}
      >
        {children}
      </div>
      <p id="viewer-keys" class="visually-hidden">
        Arrow keys move the picture, plus and minus zoom, 0 shows all of it, 1 shows it pixel by pixel.
      </p>
      <div class="zoom" role="toolbar" aria-label="Zoom">
        <button
          type="button"
          class="zoom-button"
          aria-label="Zoom out"
          onClick={() => viewport.zoomBy(1 / 1.5)}
        >
          <Icon name="minus" />
        </button>
        <output class="zoom-value" aria-label="Zoom level">
          {percent} %
        </output>
        <button type="button" class="zoom-button" aria-label="Zoom in" onClick={() => viewport.zoomBy(1.5)}>
          <Icon name="plus" />
        </button>
        <button type="button" class="zoom-button is-word" aria-pressed={atFit} onClick={() => viewport.fit()}>
          Fit
        </button>
        <button
          type="button"
          class="zoom-button is-word"
          aria-pressed={atOneToOne}
          onClick={() => viewport.oneToOne()}
        >
          1:1
        </button>
      </div>
    </div>
  );
}

interface PlacedProps {
  readonly src: string;
  readonly alt: string;
  readonly size: Size;
  readonly placement: Placement | undefined;
  readonly onLoad?: () => void;
  readonly onError?: () => void;
}

/** A picture where the viewport wants it. Its own size is stated, so that a reduced copy lies where the whole one would. */
export function PlacedPicture({ src, alt, size, placement, onLoad, onError }: PlacedProps) {
  if (placement === undefined) return null;
  const { scale, x, y } = placement;
  const crisp = scale * devicePixelRatio >= 2;
  return (
    <img
      class={crisp ? 'placed is-crisp' : 'placed'}
      src={src}
      alt={alt}
      width={size.width}
      height={size.height}
      draggable={false}
      decoding="async"
      style={{ transform: `translate(${x}px, ${y}px) scale(${scale})` }}
      {...(onLoad === undefined ? {} : { onLoad })}
      {...(onError === undefined ? {} : { onError })}
    />
  );
}
