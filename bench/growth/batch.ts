/** One run of the graph with a batch of tiles, in a process of its own: answers its CPU time in ms. */
import { openSession } from '../../gpu-worker/inference/session.ts';
import { pictureGraph } from '../../gpu-worker/loaded-model.ts';
import { bundledEnlarger } from '../../local/bundled-models.ts';
import { MODEL } from '../cases.ts';
import { answerWith } from '../child.ts';

answerWith(async ({ batch, factor }: { batch: number; factor: number }): Promise<number> => {
  const { file, graph } = pictureGraph(await bundledEnlarger(MODEL), factor);
  const shape = { batch, ...graph.tile };
  const session = await openSession(file, 'cpu', shape);
  const input = new Uint8Array(batch * shape.height * shape.width * 3).map((_, i) => (i * 2654435761) >>> 24);
  const output = new Uint8Array(input.length * factor ** 2);
  await session.run(input, shape, output);
  const start = process.cpuUsage();
  await session.run(input, shape, output);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
});
