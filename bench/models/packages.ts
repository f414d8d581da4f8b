/**
 * The models that are measured, from export to package by the importer that everybody uses. Two classifiers of well-known
 * sizes are made here from a seed; the detector is a file of its authors, which is not part of the project.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { LoadedModel } from '../../gpu-worker/loaded-model.ts';
import { importCommand } from '../../model-tool/cli.ts';
import { writeModel } from '../../model-tool/onnx/model-file.ts';
import { modelManifest, type Task } from '../../shared/model.ts';
import { mobilenetV2 } from '../nets/mobilenet-v2.ts';
import { resnet18 } from '../nets/resnet18.ts';

export interface PackagedModel {
  /** As people know it. */
  readonly title: string;
  /** As it is published. */
  readonly name: string;
  readonly task: Exclude<Task, 'super-resolution'>;
  readonly folder: string;
}

export interface Absent {
  readonly title: string;
  /** Why there is no package. */
  readonly reason: string;
}

/** Of ImageNet, as most training scripts have them. */
const NORMALISED = { scale: '0-1', mean: '0.485,0.456,0.406', std: '0.229,0.224,0.225' };
const NETS = [
  { name: 'bench-resnet18', title: 'ResNet-18', make: resnet18 },
  { name: 'bench-mobilenet-v2', title: 'MobileNetV2', make: mobilenetV2 },
];
const YOLOX = { name: 'bench-yolox-nano', title: 'YOLOX-nano' };
/** Third-party models that may lie beside the checkout. */
const BESIDE = path.resolve(import.meta.dirname, '../../../shared/testdata/models/yolox-nano-coco.onnx');
const MILLION = 1e6;

/** @param directory for what is made · @param yolox file of the detector, where it is not the one beside the checkout */
export async function makePackages(directory: string, yolox?: string): Promise<(PackagedModel | Absent)[]> {
  const [exports, out] = [path.join(directory, 'exports'), path.join(directory, 'packages')];
  await mkdir(exports, { recursive: true });
  const imported = (file: string, name: string, task: PackagedModel['task']) =>
    importCommand(file, { name, task, out, ...NORMALISED }, () => {});

  const packages: (PackagedModel | Absent)[] = [];
  for (const { name, title, make } of NETS) {
    const { model, parameters } = make();
    const file = path.join(exports, `${name}.onnx`);
    await writeModel(file, model);
    const folder = await imported(file, name, 'classification');
    const size = `${(parameters / MILLION).toFixed(1)} M`;
    packages.push({ title: `${title} (${size})`, name, task: 'classification', folder });
  }
  const { name, title } = YOLOX;
  const file = yolox ?? (existsSync(BESIDE) ? BESIDE : undefined);
  if (file === undefined) {
    packages.push({ title, reason: 'its file is not part of the project; name it by `--yolox FILE`' });
  } else {
    const task = 'object-detection';
    packages.push({ title, name, task, folder: await imported(file, name, task) });
  }
  return packages;
}

/** @throws where the manifest is not right */
export async function readPackage(folder: string): Promise<LoadedModel> {
  const manifest = modelManifest.parse(JSON.parse(await readFile(path.join(folder, 'model.json'), 'utf8')));
  return { manifest, folder } as LoadedModel;
}
