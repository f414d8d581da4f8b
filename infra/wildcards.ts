/**
 * Where a role of this stack names a resource that is not the stack's, and why. test/infra/policy.test.ts allows these
 * and nothing else, in every compiled template.
 */
interface Exception {
  readonly action: string;
  /** `*`, or the start of an ARN. */
  readonly resource: string;
  readonly reason: string;
}

export const exceptions: readonly Exception[] = [
  {
    action: 'autoscaling:DescribeAutoScalingGroups',
    resource: '*',
    reason: 'EC2 Auto Scaling knows no resource for its Describe actions.',
  },
  {
    action: 'autoscaling:DescribeScalingActivities',
    resource: '*',
    reason: 'EC2 Auto Scaling knows no resource for its Describe actions.',
  },
  {
    action: 'ecr:GetAuthorizationToken',
    resource: '*',
    reason: 'The token is for the registry of the account; what it may pull is said by repository.',
  },
  {
    action: 'ecs:DiscoverPollEndpoint',
    resource: '*',
    reason: 'Asked by an agent before it belongs to any cluster.',
  },
  ...['ecr:BatchCheckLayerAvailability', 'ecr:GetDownloadUrlForLayer', 'ecr:BatchGetImage'].map((action) => ({
    action,
    resource: 'repository/outboard-worker',
    reason: 'The repository outlives its stages: it is made by `npm run image`, before any of them.',
  })),
];
