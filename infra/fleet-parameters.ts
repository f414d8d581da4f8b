/**
 * Where the workers of a stage are placed and what is there already, as the parameters of its CloudFormation template
 * (infra/network.yml, infra/worker.yml). Reads only.
 */
import {
  DescribeRouteTablesCommand,
  DescribeSubnetsCommand,
  DescribeVpcEndpointsCommand,
  DescribeVpcsCommand,
  type EC2Client,
  type Subnet,
} from '@aws-sdk/client-ec2';
import { ClusterNotFoundException, type ECSClient, ListServicesCommand } from '@aws-sdk/client-ecs';

/** Parameters of the stage (infra/parameters.ts) that say where workers go; empty text means "look it up". */
export interface Placement {
  readonly vpcId: string;
  /** By commas. */
  readonly subnetIds: string;
  readonly gatewayEndpoints: boolean;
}

interface Account {
  readonly ec2: EC2Client;
  readonly ecs: ECSClient;
  readonly region: string;
  readonly stage: string;
}

export type FleetParameters = Readonly<
  Record<
    'VpcId' | 'SubnetIds' | 'RouteTableIds' | 'MakeS3Endpoint' | 'MakeDynamoDbEndpoint' | 'FleetRuns',
    string
  >
>;

/** @throws Error where there is no default VPC, or no subnet */
export async function fleetParameters(account: Account, wanted: Placement): Promise<FleetParameters> {
  const subnets = await subnetsFor(account.ec2, wanted);
  const vpc = subnets[0]?.VpcId ?? '';
  const [routeTables, s3, dynamoDb, runs] = await Promise.all([
    routeTablesOf(account.ec2, vpc, subnets),
    hasEndpointOfOthers(account, vpc, 's3'),
    hasEndpointOfOthers(account, vpc, 'dynamodb'),
    fleetRuns(account),
  ]);
  const yes = (condition: boolean) => (condition ? 'yes' : 'no');
  return {
    VpcId: vpc,
    SubnetIds: subnets.map(({ SubnetId }) => SubnetId).join(','),
    RouteTableIds: routeTables.join(','),
    MakeS3Endpoint: yes(wanted.gatewayEndpoints && !s3),
    MakeDynamoDbEndpoint: yes(wanted.gatewayEndpoints && !dynamoDb),
    FleetRuns: yes(runs),
  };
}

async function subnetsFor(ec2: EC2Client, { vpcId, subnetIds }: Placement): Promise<Subnet[]> {
  const ids = subnetIds.split(',').flatMap((id) => (id.trim() === '' ? [] : [id.trim()]));
  const vpc = vpcId !== '' || ids.length > 0 ? vpcId : await defaultVpc(ec2);
  const { Subnets = [] } = await ec2.send(
    new DescribeSubnetsCommand(
      ids.length > 0 ? { SubnetIds: ids } : { Filters: [{ Name: 'vpc-id', Values: [vpc] }] },
    ),
  );
  if (Subnets.length === 0) throw new Error(`The VPC ${vpc} has no subnets; set subnetIds.`);
  const vpcs = new Set([...Subnets.map(({ VpcId }) => VpcId), ...(vpc === '' ? [] : [vpc])]);
  if (vpcs.size > 1) throw new Error(`The subnets lie in more than one VPC: ${[...vpcs].join(', ')}.`);
  return Subnets;
}

async function defaultVpc(ec2: EC2Client): Promise<string> {
  const { Vpcs = [] } = await ec2.send(
    new DescribeVpcsCommand({ Filters: [{ Name: 'is-default', Values: ['true'] }] }),
  );
  const id = Vpcs[0]?.VpcId;
  if (id === undefined) throw new Error('This region has no default VPC; set vpcId and subnetIds.');
  return id;
}

/** A subnet that names no route table of its own has the main one. */
async function routeTablesOf(ec2: EC2Client, vpc: string, subnets: readonly Subnet[]): Promise<string[]> {
  const { RouteTables = [] } = await ec2.send(
    new DescribeRouteTablesCommand({ Filters: [{ Name: 'vpc-id', Values: [vpc] }] }),
  );
  const main = RouteTables.find(({ Associations = [] }) => Associations.some(({ Main }) => Main === true));
  const tableOf = (subnet: Subnet) =>
    RouteTables.find(({ Associations = [] }) =>
      Associations.some(({ SubnetId }) => SubnetId === subnet.SubnetId),
    ) ?? main;
  const ids = subnets.flatMap((subnet) => tableOf(subnet)?.RouteTableId ?? []);
  return [...new Set(ids)].sort();
}

/** A route table takes one gateway endpoint a service, so one that another stage or somebody made is left to serve. */
async function hasEndpointOfOthers(
  { ec2, region, stage }: Account,
  vpc: string,
  service: string,
): Promise<boolean> {
  const { VpcEndpoints = [] } = await ec2.send(
    new DescribeVpcEndpointsCommand({
      Filters: [
        { Name: 'vpc-id', Values: [vpc] },
        { Name: 'service-name', Values: [`com.amazonaws.${region}.${service}`] },
        { Name: 'vpc-endpoint-type', Values: ['Gateway'] },
      ],
    }),
  );
  return VpcEndpoints.some(
    ({ Tags = [], State }) =>
      !/^delet/i.test(State ?? '') &&
      !Tags.some(({ Key, Value }) => Key === 'outboard-stage' && Value === stage),
  );
}

async function fleetRuns({ ecs, stage }: Account): Promise<boolean> {
  try {
    const { serviceArns = [] } = await ecs.send(new ListServicesCommand({ cluster: `outboard-${stage}` }));
    return serviceArns.length > 0;
  } catch (error) {
    if (error instanceof ClusterNotFoundException) return false;
    throw error;
  }
}
