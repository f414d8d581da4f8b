/** What serverless hands to a function that computes a part of its configuration, and what it calls things itself. */
export interface Variables {
  /** The value of a variable by its address: `sls:stage`, `param:fleet`. */
  readonly resolveVariable: (address: string) => Promise<unknown>;
  /** A property of serverless.yml, its own variables resolved. */
  readonly resolveConfigurationProperty: (
    path: readonly string[],
  ) => Promise<Readonly<Record<string, { readonly role?: { readonly 'Fn::Sub'?: string } }>> | undefined>;
}

/** A part of a CloudFormation template. */
export interface Fragment {
  readonly Resources: Readonly<Record<string, unknown>>;
}

/** How serverless begins the logical ids of a function: `create-job` → `CreateDashjob`. */
export const logicalName = (functionName: string): string =>
  `${functionName.slice(0, 1).toUpperCase()}${functionName.slice(1)}`.replaceAll('-', 'Dash');
