/** What the person who imports a model can say about it. Everything optional is inferred, assumed aloud, or asked for. */
import type { Resize, Task } from '../../shared/model.ts';
import type { Layout } from '../signature.ts';
import type { Activation } from './classification.ts';
import type { BoxFormat, BoxUnits, Column, Head } from './detection-plan.ts';
import type { Scale } from './preprocessing.ts';
import type { Luma } from './super-resolution.ts';

export interface PictureSize {
  readonly height: number;
  readonly width: number;
}

export interface ImportOptions {
  readonly file: string;
  readonly name: string;
  readonly version: string;
  readonly task: Task;
  /** Folder of packages. */
  readonly out: string;
  readonly description?: string | undefined;
  readonly licence?: string | undefined;
  /** Names of the picture input and of the outputs to read, where the model has others too. */
  readonly input?: string | undefined;
  readonly output?: readonly string[] | undefined;
  readonly size?: PictureSize | undefined;
  readonly layout?: Layout | undefined;
  readonly channelOrder?: 'rgb' | 'bgr' | undefined;
  readonly scale?: Scale | undefined;
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
  readonly resize?: Resize['mode'] | undefined;
  /** The input's share of what the short side is resized to before the middle is cropped. */
  readonly crop?: number | undefined;
  readonly anchor?: Resize['anchor'] | undefined;
  readonly fill?: readonly [number, number, number] | undefined;
  readonly labels?: string | undefined;
  readonly activation?: Activation | undefined;
  readonly outputScale?: Scale | undefined;
  readonly luma?: Luma | undefined;
  readonly tile?: PictureSize | undefined;
  /** Input pixels that tiles overlap by, where it cannot be found out how far the net sees. */
  readonly overlap?: number | undefined;
  readonly head?: Head | undefined;
  readonly boxFormat?: BoxFormat | undefined;
  readonly boxUnits?: BoxUnits | undefined;
  readonly background?: 'first' | 'last' | 'none' | undefined;
  readonly columns?: readonly Column[] | undefined;
  readonly firstClass?: number | undefined;
  /** Pictures to check the package on, beside the built-in ones. */
  readonly golden?: readonly string[] | undefined;
}

/** Tells the person what was found out, assumed or taken from a flag. */
export type Note = (sentence: string) => void;
