/** One run of a whole picture through a graph, in a process of its own: what tiles save memory against. */
import { openSession } from '../gpu-worker/inference/session.ts';
import { pictureGraph } from '../gpu-worker/loaded-model.ts';
import { bundledEnlarger } from '../local/bundled-models.ts';
import { MODEL } from './cases.ts';
import { answerWith } from './child.ts';

answerWith(async ({ width, height, factor }: { width: number; height: number; factor: number }) => {
  const { file } = pictureGraph(await bundledEnlarger(MODEL), factor);
  const session = await openSession(file, 'cpu');
  const input = new Uint8Array(width * height * 3);
  await session.run(input, { batch: 1, height, width }, new Uint8Array(input.length * factor ** 2));
});
