/** `outboard doctor`: looks a stage over without changing anything and says what to do next. */
import { Command, Option } from 'commander';
import { gatherFacts } from './doctor/facts.ts';
import { type Finding, judge } from './doctor/judge.ts';
import { type StageOptions, stageFrom, stageOptions } from './stage-options.ts';

interface Options extends StageOptions {
  readonly imageTag?: string;
  readonly json?: boolean;
}

const MARKS = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const;

export function doctorCommand(): Command {
  return stageOptions(new Command('doctor'))
    .description('look a stage over: queue, dead letters, workers, machines, image, models, alarms')
    .addOption(new Option('--image-tag <tag>', 'tag of the worker image; the name of the stage if not given'))
    .option('--json', 'the findings as JSON')
    .addHelpText('after', '\nChanges nothing. Exit code 1 where a check fails.')
    .action(async (options: Options) => {
      const stage = await stageFrom(options);
      const findings = judge(await gatherFacts(stage, options.imageTag ?? stage.name), stage.name);
      console.log(options.json === true ? JSON.stringify(findings, null, 2) : report(findings));
      if (findings.some(({ verdict }) => verdict === 'fail')) process.exitCode = 1;
    });
}

function report(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  return findings
    .flatMap(({ check, verdict, says, next }) => [
      `${MARKS[verdict]}  ${check.padEnd(width)}  ${says}`,
      ...(next === undefined ? [] : [`${' '.repeat(width + 8)}${next}`]),
    ])
    .join('\n');
}
