/** `outboard run` as a person or a script uses it, against a real stack. */
import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { Outboard } from '../../client/outboard.ts';
import { API_KEY } from '../../local/settings.ts';
import { collect } from '../client/collect.ts';
import { noise, plain, png } from '../e2e/pictures.ts';
import { setup } from '../e2e/setup.ts';
import { COMMAND, workplace } from './command.ts';

const { url, row } = setup(5800);
const api = new Outboard({ endpoint: url, apiKey: API_KEY });
const PHOTO = path.resolve(import.meta.dirname, '../fixtures/photo.jpg');

const jobCount = async (): Promise<number> => (await collect(api.jobs.list({ pageSize: 100 }))).length;
const small = (seed = 0): Promise<Buffer> => png(noise(20, 10, 3, seed));
const sizeOf = async (file: string): Promise<string> => {
  const { width, height, format } = await sharp(file).metadata();
  return `${format} ${width}x${height}`;
};
const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('outboard run', () => {
  it('puts the result beside a picture, in plain lines where nobody watches', async () => {
    const { folder, outboard } = await workplace(url, { 'photo.png': await small() });
    const { code, stdout, stderr } = await outboard('run', 'photo.png', '--scale', '2');
    expect(stderr).toMatch(/^photo\.png: done in \d+\.\d s → photo-x2\.png$/m);
    expect(stderr).not.toContain('\u001b');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(await sizeOf(path.join(folder, 'photo-x2.png'))).toBe('png 40x20');
  });

  it('writes the file that -o names, in the format of its ending', async () => {
    const { folder, outboard } = await workplace(url, { 'a.png': await small() });
    const flags = ['-o', 'large/b.webp', '-p', 'quality=50', '--priority', 'batch'];
    expect((await outboard('run', 'a.png', ...flags)).code).toBe(0);
    const [job] = await collect(api.jobs.list({ pageSize: 100 }));
    expect(job).toMatchObject({ priority: 'batch', parameters: { quality: 50, output_format: 'webp' } });
    expect(await sizeOf(path.join(folder, 'large/b.webp'))).toBe('webp 80x40');
    expect(await readdir(path.join(folder, 'large'))).toEqual(['b.webp']);
  });

  it('takes folders and globs, keeps their structure, and tells pictures of one name apart', async () => {
    const { folder, outboard } = await workplace(url, {
      'album/one.png': await small(1),
      'album/deep/two.png': await small(2),
      'album/deep/two.webp': await sharp(await small(3))
        .webp()
        .toBuffer(),
      'album/notes.txt': Buffer.from('no picture'),
      'more/three.png': await small(4),
    });
    const { code, stdout } = await outboard(
      'run',
      'album',
      'more/*.png',
      '-o',
      'album/out',
      '--scale',
      '2',
      '--json',
    );
    expect(code).toBe(0);
    expect(
      linesOf(stdout)
        .map(({ input, status }) => [input, status])
        .sort(),
    ).toEqual([
      ['album/deep/two.png', 'succeeded'],
      ['album/deep/two.webp', 'succeeded'],
      ['album/one.png', 'succeeded'],
      ['more/three.png', 'succeeded'],
    ]);
    const made = await readdir(path.join(folder, 'album/out'), { recursive: true });
    expect(made.sort()).toEqual([
      'deep',
      'deep/two.png-x2.png',
      'deep/two.webp-x2.png',
      'one-x2.png',
      'three-x2.png',
    ]);
    // Its own results are no new pictures.
    const again = await outboard('run', 'album', 'more/*.png', '-o', 'album/out', '--scale', '2', '--json');
    expect(linesOf(again.stdout)).toHaveLength(4);
  });

  it('asks and pays once: the same command again finds the files, or the job, or at least the key', async () => {
    const { folder, state, outboard } = await workplace(url, { 'a.png': await small(5) });
    const ask = () => outboard('run', 'a.png', '--scale', '2');
    await ask();
    const before = await jobCount();
    expect((await ask()).stderr).toContain('a.png: done before');
    await rm(path.join(folder, 'a-x2.png'));
    expect((await ask()).code).toBe(0);
    await rm(path.join(folder, 'a-x2.png'));
    await rm(state, { recursive: true });
    expect((await ask()).code).toBe(0);
    expect(await sizeOf(path.join(folder, 'a-x2.png'))).toBe('png 40x20');
    expect(await jobCount()).toBe(before);
    expect((await outboard('run', 'a.png', '--scale', '2', '--fresh', '--force')).code).toBe(0);
    expect(await jobCount()).toBe(before + 1);
  });

  it('overwrites nothing unless it is told to, and then no picture that it works on', async () => {
    const { folder, outboard } = await workplace(url, {
      'a.png': await small(6),
      'mine.png': Buffer.from('mine'),
    });
    const before = await jobCount();
    const refused = await outboard('run', 'a.png', '-o', 'mine.png');
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--force') });
    expect(await readFile(path.join(folder, 'mine.png'), 'utf8')).toBe('mine');
    expect(await outboard('run', 'a.png', '-o', 'a.png', '--force')).toMatchObject({ code: 2 });
    expect(await jobCount()).toBe(before);
    expect((await outboard('run', 'a.png', '-o', 'mine.png', '--force')).code).toBe(0);
    expect(await sizeOf(path.join(folder, 'mine.png'))).toBe('png 80x40');
  });

  it('prints classes and boxes, and saves them as JSON or as a picture', async () => {
    const { folder, outboard } = await workplace(url, { 'photo.jpg': await readFile(PHOTO) });
    const classes = await outboard('run', 'photo.jpg', '-m', 'classification', '-p', 'top_k=2');
    expect(classes.stdout).toMatch(/^photo\.jpg\nLABEL +SCORE\n\w+ +0\.\d{3}\n\w+ +0\.\d{3}\n/);
    const detect = ['run', 'photo.jpg', '-m', 'object-detection', '-p', 'score_threshold=0.05'];
    const boxes = await outboard(...detect, '-o', 'boxes.json');
    expect(boxes.stdout).toMatch(/^photo\.jpg\nLABEL +SCORE +X +Y +WIDTH +HEIGHT\n/);
    const saved = JSON.parse(await readFile(path.join(folder, 'boxes.json'), 'utf8'));
    expect(saved).toMatchObject({ model: 'document-layout@1', parameters: { score_threshold: 0.05 } });
    expect(saved.detections[0]).toMatchObject({
      label: expect.any(String),
      box: { width: expect.any(Number) },
    });
    await outboard(...detect, '-o', 'drawn.jpg');
    expect(await sizeOf(path.join(folder, 'drawn.jpg'))).toBe('jpeg 320x240');
  });

  it('does what it can where one picture is broken, says which, and tries it again next time', async () => {
    const broken = (await png(noise(200, 200))).subarray(0, 50_000);
    const { folder, outboard, place } = await workplace(url, { 'a.png': await small(7), 'b.png': broken });
    const ask = () => outboard('run', 'a.png', 'b.png', '--scale', '2', '-o', 'out', '--json');
    const { code, stdout, stderr } = await ask();
    expect(code).toBe(1);
    const [bad] = linesOf(stdout).filter(({ status }) => status === 'failed');
    expect(bad).toMatchObject({ input: 'b.png', error: { code: 'image_corrupt' } });
    expect(stderr).toContain('1 of 2 failed');
    expect(await readdir(path.join(folder, 'out'))).toEqual(['a-x2.png']);
    // The same bytes fail again, in the same job; mended ones are another question.
    const again = linesOf((await ask()).stdout).filter(({ status }) => status === 'failed');
    expect(again).toMatchObject([{ input: 'b.png', job: bad?.job }]);
    expect((await row(String(bad?.job))).fence).toBe(2);
    await place('b.png', await small(8));
    expect((await ask()).code).toBe(0);
  });
});

describe('outboard run refuses, before anything is started,', () => {
  it.each([
    ['a parameter out of bounds', ['--scale', '3'], 'upscale_factor takes 2, 4 or 8, not 3'],
    ['a parameter that is no number', ['-p', 'quality=best'], 'a whole number from 1 to 100, not best'],
    ['a parameter that the model lacks', ['-p', 'top_k=3'], 'it has upscale_factor, output_format, quality'],
    ['a model that is not there', ['-m', 'none'], 'There is no model none; there are '],
    ['an output of another kind', ['-o', 'x.gif'], '.png, .jpg, .jpeg, .webp'],
    ['a picture that is not there', ['b.png'], 'b.png names no picture'],
    ['two pictures for one file', ['c.png', '-o', 'x.png'], 'a folder for their results'],
    ['a flag that does not exist', ['--scales', '2'], 'unknown option'],
  ])('%s', async (_what, args, message) => {
    const { outboard } = await workplace(url, { 'a.png': await small(), 'c.png': await small(1) });
    const before = await jobCount();
    const { code, stderr } = await outboard('run', 'a.png', ...args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
    expect(await jobCount()).toBe(before);
  });

  it.each([
    ['with 3 an endpoint that does not answer', ['--endpoint', 'http://127.0.0.1:9'], 3],
    ['with 3 a key that is not known', ['--api-key', 'wrong'], 3],
  ])('%s', async (_what, args, code) => {
    const { outboard } = await workplace(url, { 'a.png': await small() });
    expect((await outboard('run', 'a.png', ...args)).code).toBe(code);
  });
});

const SCRIPT = '/usr/bin/script';

describe.skipIf(!existsSync(SCRIPT))(`on a terminal, by ${SCRIPT}`, () => {
  it('draws a bar for each picture and removes it when the picture is done', async () => {
    const { start } = await workplace(url, {
      'a.png': await plain(900, 700),
      'b.png': await plain(800, 700),
    });
    const command = `${process.execPath} ${COMMAND} run a.png b.png -o out --scale 2`;
    const { stdout, code } = await start(['-qfec', command, '/dev/null'], [SCRIPT]).ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/a\.png +█*░+ \w+/);
    expect(stdout).toMatch(/█+░* enlarging \d+\/\d+ tiles/);
    // What stays: the text behind the last time that the bars were erased.
    const [kept = ''] = stdout.split('\u001b[0J').slice(-1);
    expect(kept).not.toMatch(/[█░]/);
    expect(kept).toMatch(/[ab]\.png: done in .* → out\/[ab]-x2\.png/);
  });
});
