/** MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381, table 2), 3.5 million weights: a classifier that costs little. */
import { type Layer, Net } from './net.ts';

const SEED = 2;
const CLASSES = 1000;
const STEM = 32;
const LAST = 1280;
/** Expansion, channels, blocks, stride of the first block. */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

export function mobilenetV2() {
  const net = new Net('mobilenet-v2', SEED);
  let layer = net.relu6(net.convolve(net.input, { channels: STEM, kernel: 3, stride: 2 }));
  for (const [expansion, channels, blocks, stride] of STAGES) {
    for (let index = 0; index < blocks; index++) {
      layer = block(net, layer, { expansion, channels, stride: index === 0 ? stride : 1 });
    }
  }
  layer = net.relu6(net.convolve(layer, { channels: LAST, kernel: 1 }));
  return { model: net.finish(layer, CLASSES), parameters: net.parameters };
}

interface Block {
  readonly expansion: number;
  readonly channels: number;
  readonly stride: number;
}

/** Wide inside and narrow at both ends; what goes around it is added where shapes agree. */
function block(net: Net, input: Layer, { expansion, channels, stride }: Block): Layer {
  const wide = input.channels * expansion;
  const expanded = expansion === 1 ? input : net.relu6(net.convolve(input, { channels: wide, kernel: 1 }));
  const filtered = net.relu6(net.convolve(expanded, { channels: wide, kernel: 3, stride, groups: wide }));
  const narrow = net.convolve(filtered, { channels, kernel: 1 });
  return stride === 1 && channels === input.channels ? net.add(input, narrow) : narrow;
}
