/** docs/scaling.md says what the simulator gives: the quick comparisons are run again and held against the page. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readFunctionsEnvironment } from '../../shared/environment.ts';
import { compare, policiesFor } from '../../simulate/compare.ts';
import { defaults, scenarios } from '../../simulate/settings.ts';
import { table, verdicts } from '../../simulate/table.ts';

const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/scaling.md'), 'utf8');
const cells = (line: string): string[] => line.split('|').map((cell) => cell.trim());
const linesOfPage = page.split('\n').map((line) => cells(line).join('|'));

describe('docs/scaling.md', () => {
  const quick = scenarios.filter((scenario) => scenario.quick);

  it('has quick comparisons for both goals', () => {
    expect(new Set(quick.map(({ trace }) => trace))).toEqual(new Set(['sparse', 'bursty']));
  });

  it.each(quick)('shows what its seed gives for $trace with $jobsPerDay jobs a day', (scenario) => {
    const settings = { ...defaults, ...scenario };
    const comparison = compare(settings, policiesFor(settings));
    const [, , ...rows] = table([comparison]);
    expect(rows.length).toBeGreaterThanOrEqual(4);
    for (const row of rows) expect(linesOfPage).toContain(cells(row).join('|'));
    const said = verdicts(comparison);
    expect(said.length).toBe(1);
    for (const verdict of said) {
      expect(page).toContain(verdict);
      expect(verdict).toMatch(/: met\./);
    }
  });

  it('states the assumptions that are in force', () => {
    const { workSeconds, workSigma, startupSeconds, releaseSeconds, predictionSigma, pricePerHour } =
      defaults;
    expect(page).toContain(`log-normal, mean ${workSeconds} device seconds, sigma ${workSigma}`);
    expect(page).toContain(`uniform from ${startupSeconds[0]} to ${startupSeconds[1]} s, paid`);
    expect(page).toContain(`${releaseSeconds} s more paid after a worker stopped`);
    expect(page).toContain(`log-normal error, sigma ${predictionSigma}`);
    expect(page).toContain(`${pricePerHour} dollars a worker hour`);
    expect(page).toContain(`with seed ${defaults.seed}`);
    expect(page).toContain(`${defaults.targetSeconds} s is the default of everything below`);
    expect(defaults.graceSeconds).toBe(defaults.targetSeconds);
  });

  it('is about the target and the grace that a stage has when nobody chooses', () => {
    const stage = readFunctionsEnvironment(process.env);
    expect(stage.OUTBOARD_TARGET_SECONDS).toBe(defaults.targetSeconds);
    expect(stage.OUTBOARD_GRACE_SECONDS).toBe(defaults.graceSeconds);
  });
});
