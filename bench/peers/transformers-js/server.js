/**
 * transformers.js behind Node's own HTTP server, a process for each core (node:cluster). Its pipelines know the
 * architectures of the hub by name; any other ONNX file runs through AutoModel, with RawImage before and after it.
 */
import cluster from 'node:cluster';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { AutoModel, env, RawImage, Tensor } from '@huggingface/transformers';

const [port, cores] = process.argv.slice(2).map(Number);
const FACTOR = 4;
const TOP = 5;
const BILINEAR = 2;
const BICUBIC = 3;

env.allowRemoteModels = false;
env.localModelPath = process.env.PEER_MODELS;

const openModel = (name) =>
  AutoModel.from_pretrained(name, {
    device: 'cpu',
    dtype: 'fp32',
    session_options: {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    },
  });

const read = async (body) => (await RawImage.fromBlob(new Blob([body]))).rgb();
const tensorOf = ({ data, width, height }) =>
  new Tensor('uint8', Uint8Array.from(data), [1, height, width, 3]);
const jpeg = (image) => image.toSharp().jpeg({ quality: 90, chromaSubsampling: '4:4:4' }).toBuffer();

async function classify(model, body) {
  const { id2label, size } = model.config;
  const image = await read(body);
  const scale = Math.max(size.width / image.width, size.height / image.height);
  const [width, height] = [Math.round(image.width * scale), Math.round(image.height * scale)];
  const reduced = await image.resize(width, height, { resample: BILINEAR });
  const input = await reduced.center_crop(size.width, size.height);
  const { class_ids: ids, scores } = await model({ image: tensorOf(input) });
  const predictions = [...ids.data].slice(0, TOP).map((id, rank) => ({
    label: id2label[Number(id)],
    class_id: Number(id),
    score: scores.data[rank],
  }));
  return [Buffer.from(JSON.stringify({ predictions }))];
}

async function enlarge(model, body) {
  const image = await read(body);
  const [width, height] = [image.width * FACTOR, image.height * FACTOR];
  const { enlarged } = await model({ image: tensorOf(image) });
  const bicubic = await image.resize(width, height, { resample: BICUBIC });
  return Promise.all([jpeg(new RawImage(enlarged.data, width, height, 3)), jpeg(bicubic)]);
}

async function serve() {
  const [classifier, enlarger] = await Promise.all([openModel('classifier'), openModel('enlarger')]);
  const routes = {
    '/classification': (body) => classify(classifier, body),
    '/super-resolution': (body) => enlarge(enlarger, body),
    '/health': async () => [Buffer.from('ok')],
  };
  createServer(async (request, response) => {
    const body = await buffer(request);
    const parts = await routes[request.url]?.(body).catch((error) => console.error(error));
    if (parts === undefined) return response.writeHead(request.url in routes ? 500 : 404).end();
    response.writeHead(200, { 'x-first-bytes': parts[0].length }).end(Buffer.concat(parts));
  }).listen(port, '127.0.0.1');
}

if (cluster.isPrimary) for (let core = 0; core < cores; core++) cluster.fork();
else await serve();
