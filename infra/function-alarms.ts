/** One alarm for every function in serverless.yml: it failed, or Lambda turned its calls away. */
import { type Fragment, logicalName, type Variables } from './variables.ts';

export async function functionAlarms({
  resolveVariable,
  resolveConfigurationProperty,
}: Variables): Promise<Fragment> {
  const stage = String(await resolveVariable('sls:stage'));
  const functions = Object.keys((await resolveConfigurationProperty(['functions'])) ?? {});
  return {
    Resources: Object.fromEntries(
      functions.map((name) => [`${logicalName(name)}Alarm`, functionAlarm(name, stage)]),
    ),
  };
}

const functionAlarm = (name: string, stage: string) => ({
  Type: 'AWS::CloudWatch::Alarm',
  Properties: {
    AlarmName: `outboard-${stage}-function-${name}`,
    AlarmDescription:
      `The function ${name} failed or was throttled at least three times in five minutes. Its log names the error; ` +
      "where only throttles grow, the account's limit of concurrent functions is reached: ask for more in Service Quotas.",
    Metrics: [
      { Id: 'trouble', Expression: 'SUM(METRICS())', Label: 'Errors and throttles', ReturnData: true },
      metric('errors', 'Errors', name),
      metric('throttles', 'Throttles', name),
    ],
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    Threshold: 3,
    EvaluationPeriods: 1,
    TreatMissingData: 'notBreaching',
    AlarmActions: [{ Ref: 'AlarmTopic' }],
    OKActions: [{ Ref: 'AlarmTopic' }],
  },
});

const metric = (Id: string, MetricName: string, name: string) => ({
  Id,
  ReturnData: false,
  MetricStat: {
    Metric: {
      Namespace: 'AWS/Lambda',
      MetricName,
      Dimensions: [{ Name: 'FunctionName', Value: { Ref: `${logicalName(name)}LambdaFunction` } }],
    },
    Period: 300,
    Stat: 'Sum',
  },
});
