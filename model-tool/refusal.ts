/**
 * Why the model tool stops. The sentence is for the person at the keyboard and says what to do next; `flag` names
 * the option that would answer the question. Nothing else than this class is shown without a stack trace.
 */
export class Refusal extends Error {
  readonly flag: string | undefined;

  constructor(sentence: string, options: { flag?: string; cause?: unknown } = {}) {
    super(sentence, { cause: options.cause });
    this.name = 'Refusal';
    this.flag = options.flag;
  }
}
