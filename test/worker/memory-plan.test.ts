/** The planner: what a job is planned to take, how it runs within what there is, and who goes in when. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryBudget, RUNTIME_BYTES } from '../../gpu-worker/memory-budget.ts';
import { MemoryGate } from '../../gpu-worker/memory-gate.ts';
import { choosePlan, type PlannedJob, planMemory } from '../../gpu-worker/memory-plan.ts';

const plain = {
  format: 'jpeg',
  hasAlpha: false,
  orientation: 1,
  isProgressive: false,
  isSubsampled: true,
  sampleBytes: 1,
} as const;

function enlarging(width: number, height: number, info: Partial<PlannedJob['info']> = {}): PlannedJob {
  return {
    info: { ...plain, width, height, ...info },
    fileBytes: 1e6,
    makes: { kind: 'enlarged', factor: 4, format: 'png' },
  };
}

const endless = { memory: Number.MAX_SAFE_INTEGER, disk: Number.MAX_SAFE_INTEGER };
const never = new AbortController().signal;

describe('the plan of a job', () => {
  it('does not grow with a picture that its codecs take row by row', () => {
    const [small, large] = [enlarging(4000, 3000), enlarging(12_500, 8000)].map((job) => planMemory(job, 0));
    expect(large?.memory).toBe(small?.memory);
    expect(large?.memory).toBeLessThan(80e6);
  });

  it('grows with a picture that its codec holds whole', () => {
    const pixels = 12_500 * 8000;
    const memoryOf = (info: Partial<PlannedJob['info']>) =>
      planMemory(enlarging(12_500, 8000, info), 0).memory;
    const rowByRow = memoryOf({});
    const more = (info: Partial<PlannedJob['info']>) => (memoryOf(info) - rowByRow) / pixels;
    expect(more({ isProgressive: true })).toBe(3);
    expect(more({ isProgressive: true, isSubsampled: false })).toBe(8);
    expect(more({ format: 'png' })).toBe(0);
    expect(more({ format: 'png', isProgressive: true, hasAlpha: true, sampleBytes: 2 })).toBe(8);
    expect(more({ format: 'webp' })).toBe(8);
    expect(more({ format: 'gif' })).toBe(4);
    expect(more({ format: 'avif' })).toBe(18);
    expect(more({ format: 'avif', sampleBytes: 2 })).toBe(36);
  });

  it('has room on disk for what is not in memory: the picture and both files', () => {
    const made = 12_500 * 8000 * 16;
    expect(planMemory(enlarging(12_500, 8000), 0).disk).toBeGreaterThan(made * (3 + 2 * 3));
    expect(planMemory(enlarging(100, 100), 8e6).disk).toBe(0);
  });

  it('counts the padded copy that some networks need, where the picture lies', () => {
    const more = (side: number, most: number) => {
      const { makes, ...job } = enlarging(side, side);
      if (makes?.kind !== 'enlarged') throw new Error('It enlarges.');
      const plans = [false, true].map((isPadded) =>
        planMemory({ ...job, makes: { ...makes, isPadded } }, most),
      );
      const grown = (kind: 'memory' | 'disk') => (plans[1]?.[kind] ?? 0) - (plans[0]?.[kind] ?? 0);
      return [grown('memory'), grown('disk')];
    };
    expect(more(600, 8e6)).toEqual([3 * 600 ** 2, 0]);
    expect(more(4000, 0)).toEqual([0, 3 * 4000 ** 2]);
  });

  it('lies in memory within its share, else in scratch files', () => {
    const job = enlarging(600, 600);
    const held = choosePlan(job, endless, endless.memory);
    expect(held).toMatchObject({ maxPixelsInMemory: 8_000_000, disk: 0 });
    const spilt = choosePlan(job, endless, held.memory - 1);
    expect(spilt).toMatchObject({ maxPixelsInMemory: 0 });
    expect(spilt.memory).toBeLessThan(held.memory);
    expect(spilt.disk).toBeGreaterThan(0);
  });

  it('is refused for good where it does not fit alone, and says what it needs and what there is', () => {
    const job = enlarging(10_000, 9000, { format: 'avif' });
    const whole = { memory: 500e6, disk: 1e12 };
    const refused = () => choosePlan(job, whole, whole.memory);
    expect(refused).toThrow(expect.objectContaining({ code: 'memory_exceeded', retryable: false }));
    expect(refused).toThrow(/It needs 1685 MB of memory; there are 500 MB\./);
    const onDisk = () => choosePlan(enlarging(10_000, 9000), { memory: 500e6, disk: 1e9 }, 1);
    expect(onDisk).toThrow(/It needs \d+ MB of scratch disk; there are 1000 MB\./);
  });
});

describe('the budget', () => {
  const others = { modelBytes: 4e9, waitingBytes: 1e8 };

  it('is what the container has left', () => {
    const budget = memoryBudget({ containerBytes: 16e9, totalBytes: 64e9 }, others);
    expect(budget).toBe(16e9 - RUNTIME_BYTES - 4e9 - 1e8);
  });

  it('counts half of a machine without a container’s limit', () => {
    const budget = memoryBudget({ containerBytes: 1.8e19, totalBytes: 32e9 }, others);
    expect(budget).toBe(16e9 - RUNTIME_BYTES - 4e9 - 1e8);
  });

  it('leaves jobs a quarter of a small container', () => {
    expect(memoryBudget({ containerBytes: 2e9, totalBytes: 64e9 }, others)).toBe(0.5e9);
  });
});

/** Lets what was resolved go on. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('the gate', () => {
  const need = (memory: number, disk = 0) => ({ memory, disk });
  const open = (memory = 10, disk = 10) => new MemoryGate({ memory, disk });

  it('lets in what fits together, and the next when one leaves', async () => {
    const gate = open();
    const leave = await gate.enter(need(6), never);
    let isIn = false;
    const second = gate.enter(need(5), never).then(() => (isIn = true));
    await settle();
    expect([isIn, gate.waiting, gate.used.memory]).toEqual([false, 1, 6]);
    leave();
    leave();
    await second;
    expect([gate.waiting, gate.used.memory]).toEqual([0, 5]);
  });

  it('counts the disk as it counts memory', async () => {
    const gate = open();
    await gate.enter(need(1, 9), never);
    void gate.enter(need(1, 2), never);
    await settle();
    expect(gate.waiting).toBe(1);
  });

  it('tells only those that wait', async () => {
    const gate = open();
    const told: string[] = [];
    await gate.enter(need(10), never, () => told.push('first'));
    void gate.enter(need(1), never, () => told.push('second'));
    expect(told).toEqual(['second']);
  });

  it('lets a large job in however many small ones come', async () => {
    const gate = open();
    const inside: (() => void)[] = [await gate.enter(need(1), never)];
    let passed = 0;
    let isIn = false;
    const large = gate.enter(need(10), never).then((leave) => {
      isIn = true;
      leave();
    });
    // One small job comes for each that goes: without a bound the large one would wait for ever.
    for (let i = 0; i < 1000 && !isIn; i += 1) {
      void gate.enter(need(1), never).then((leave) => {
        if (!isIn) passed += 1;
        inside.push(leave);
      });
      await settle();
      inside.shift()?.();
      await settle();
    }
    await large;
    expect(passed).toBe(16);
  });

  it('forgets who no longer wants to wait, and lets in who waited behind', async () => {
    const gate = open(100);
    await gate.enter(need(50), never);
    const gone = new AbortController();
    const waiting = gate.enter(need(100), gone.signal);
    // As many as may pass, and one more, who fits too.
    for (let passing = 0; passing < 16; passing += 1) await gate.enter(need(1), never);
    const behind = gate.enter(need(1), never);
    expect(gate.waiting).toBe(2);
    gone.abort(new Error('canceled'));
    await expect(waiting).rejects.toThrow('canceled');
    await behind;
    expect([gate.waiting, gate.used.memory]).toEqual([0, 67]);
    await expect(gate.enter(need(1), gone.signal)).rejects.toThrow('canceled');
    expect(gate.waiting).toBe(0);
  });

  it('never holds more than there is, and everyone gets in, in whatever order they come and go', async () => {
    const jobs = fc.array(
      fc.record({ memory: fc.integer({ min: 0, max: 10 }), disk: fc.integer({ min: 0, max: 10 }) }),
      { maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(jobs, fc.infiniteStream(fc.nat()), async (needs, chance) => {
        const gate = open();
        const inside: (() => void)[] = [];
        let entered = 0;
        for (const wanted of needs) {
          void gate.enter(wanted, never).then((leave) => {
            entered += 1;
            inside.push(leave);
          });
          await settle();
          expect(gate.used.memory).toBeLessThanOrEqual(10);
          expect(gate.used.disk).toBeLessThanOrEqual(10);
          if ((chance.next().value as number) % 2 === 0) inside.shift()?.();
        }
        for (await settle(); inside.length > 0; await settle()) inside.shift()?.();
        expect([entered, gate.waiting, gate.used]).toEqual([needs.length, 0, { memory: 0, disk: 0 }]);
      }),
    );
  });
});
