/**
 * A session on CUDA that has proved that the net runs there. First onnxruntime is asked to refuse whatever it would put on
 * the CPU. It refuses shape arithmetic too, which it puts there on purpose, so a session that is refused is opened
 * again with a profile of its first run, and that run must show nothing else on the CPU.
 */
import { randomUUID } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { placedNodes, placementText, strayNodes, strayText } from './placement.ts';

/** As much of onnxruntime's session as is needed here. */
interface RawSession<Inputs, Outputs, Results> {
  run(inputs: Inputs, outputs: Outputs): Promise<Results>;
  endProfiling(): void;
  release(): Promise<void>;
}

/** How the session is opened: refusing nodes on the CPU, or with a profile that is written beside this path. */
export type Strictness = 'refuse' | { readonly profile: string };

export interface ProvedSession<Inputs, Outputs, Results> {
  /** @throws Error naming the nodes that ran on the CPU, with the first run and every later one */
  run(inputs: Inputs, outputs: Outputs): Promise<Results>;
  release(): Promise<void>;
}

/** onnxruntime's words for a graph that has nodes on the CPU; every other failure to open is one. */
const HAS_CPU_NODES = /assigned to the default CPU EP/;

/** @param onPlaced is told, once it is known, where the nodes run */
export async function openProved<Inputs, Outputs, Results>(
  open: (how: Strictness) => Promise<RawSession<Inputs, Outputs, Results>>,
  onPlaced: (placement: string) => void,
): Promise<ProvedSession<Inputs, Outputs, Results>> {
  try {
    const strict = await open('refuse');
    onPlaced('every node on the GPU');
    return strict;
  } catch (error) {
    if (!(error instanceof Error && HAS_CPU_NODES.test(error.message))) throw error;
  }
  const profile = path.join(tmpdir(), `outboard-placement-${randomUUID()}`);
  const session = await open({ profile });
  let proof: Promise<void> | undefined;
  return {
    async run(inputs, outputs) {
      const results = await session.run(inputs, outputs);
      proof ??= prove(session, profile, onPlaced);
      await proof;
      return results;
    },
    async release() {
      if (proof === undefined) {
        session.endProfiling();
        await takeProfile(profile);
      }
      await session.release();
    },
  };
}

async function prove(
  session: { endProfiling(): void },
  profile: string,
  onPlaced: (placement: string) => void,
): Promise<void> {
  session.endProfiling();
  const nodes = placedNodes(await takeProfile(profile));
  const strays = strayNodes(nodes);
  if (strays.length > 0) {
    throw new Error(
      `${strays.length} of ${nodes.length} nodes ran on the CPU and are no shape arithmetic: ${strayText(strays)}.`,
    );
  }
  onPlaced(placementText(nodes));
}

/** onnxruntime adds the time to the name. */
async function takeProfile(profile: string): Promise<string> {
  const folder = path.dirname(profile);
  const name = (await readdir(folder)).find((file) => file.startsWith(path.basename(profile)));
  if (name === undefined) throw new Error('onnxruntime wrote no profile of the run.');
  const file = path.join(folder, name);
  const text = await readFile(file, 'utf8');
  await rm(file);
  return text;
}
