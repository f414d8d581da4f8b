/**
 * Metrics as a log line: CloudWatch reads the embedded metric format (its documentation calls the root member `_aws`)
 * from the logs of functions and containers, so that nothing needs permission to write metrics or waits for it.
 */
const NAMESPACE = 'Outboard';

type Unit = 'Count' | 'Seconds' | 'Milliseconds' | 'Percent' | 'Bytes' | 'None';

/**
 * @param values by metric name; several of one name are told apart by CloudWatch's percentiles.
 * @param model where given, the values count for the stage and once more for this model in it
 * @returns fields for one log line
 */
export function metricFields(
  stage: string,
  values: Readonly<Record<string, readonly [value: number | readonly number[], unit: Unit]>>,
  now: Date,
  model?: string,
): Record<string, unknown> {
  const metrics = Object.entries(values);
  return {
    _aws: {
      Timestamp: now.getTime(),
      CloudWatchMetrics: [
        {
          Namespace: NAMESPACE,
          Dimensions: [['Stage'], ...(model === undefined ? [] : [['Stage', 'Model']])],
          Metrics: metrics.map(([Name, [, Unit]]) => ({ Name, Unit })),
        },
      ],
    },
    Stage: stage,
    ...(model === undefined ? {} : { Model: model }),
    ...Object.fromEntries(metrics.map(([name, [value]]) => [name, value])),
  };
}
