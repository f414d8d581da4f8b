/** ResNet-18 (He et al. 2016, arXiv:1512.03385, table 1), 11.7 million weights: the usual size of a classifier on a server. */
import { type Layer, Net } from './net.ts';

const SEED = 18;
const CLASSES = 1000;
const STEM = 64;
/** Channels of the four stages, of two blocks each; every stage but the first begins by halving height and width. */
const STAGES = [64, 128, 256, 512];

export function resnet18() {
  const net = new Net('resnet18', SEED);
  let layer = net.maxPool(net.relu(net.convolve(net.input, { channels: STEM, kernel: 7, stride: 2 })));
  for (const [stage, channels] of STAGES.entries()) {
    layer = block(net, layer, channels, stage === 0 ? 1 : 2);
    layer = block(net, layer, channels, 1);
  }
  return { model: net.finish(layer, CLASSES), parameters: net.parameters };
}

function block(net: Net, input: Layer, channels: number, stride: number): Layer {
  const first = net.relu(net.convolve(input, { channels, kernel: 3, stride }));
  const second = net.convolve(first, { channels, kernel: 3 });
  const beside = stride === 1 ? input : net.convolve(input, { channels, kernel: 1, stride });
  return net.relu(net.add(second, beside));
}
