/** What decides how many workers there should be, once a minute. */

/** What a policy may see. CloudWatch-based ones look at the queue only, as in AWS. */
export interface Sight {
  /** Seconds since midnight UTC of the first day. */
  readonly now: number;
  /** Jobs that no worker holds: ApproximateNumberOfMessagesVisible. */
  readonly visible: number;
  readonly openJobs: number;
  /** Predicted device seconds of all open jobs. */
  readonly backlogSeconds: number;
  readonly desired: number;
  /** Workers that take jobs. */
  readonly ready: number;
  /** Workers that are paid for. */
  readonly paid: number;
}

export interface Policy {
  readonly name: string;
  /** Workers there from the beginning. */
  readonly initial: number;
  /** Whether a submit to an empty fleet calls it at once. */
  readonly wakes: boolean;
  /** Workers to order now. Called every minute. */
  decide(sight: Sight): number;
}
