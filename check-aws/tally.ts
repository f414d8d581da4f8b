/** What was checked and how it went: told line by line as it happens, and summed up at the end. */
const INDENT = '          ';

export class Tally {
  #passed = 0;
  #failed = 0;
  #differences = 0;
  readonly #notRun: string[] = [];
  readonly #name: string;

  /** @param name of the whole, for the last line */
  constructor(name: string) {
    this.#name = name;
  }

  passed(_check: string): void {
    this.#passed += 1;
  }

  failed(check: string, why: string): void {
    this.#failed += 1;
    console.log(`FAILED    ${check}\n${indented(why)}`);
  }

  /** An emulator does otherwise than AWS, as was known. */
  differs(check: string, why: string): void {
    this.#differences += 1;
    console.log(`differs   ${check}\n${indented(why)}`);
  }

  notRun(part: string, why: string): void {
    this.#notRun.push(part);
    console.log(`NOT RUN   ${part}\n${indented(why)}`);
  }

  /** Counts the check by whether it throws. */
  async check(name: string, run: () => Promise<void>): Promise<boolean> {
    try {
      await run();
      this.passed(name);
      return true;
    } catch (error) {
      this.failed(name, error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  get hasFailed(): boolean {
    return this.#failed > 0;
  }

  get missing(): readonly string[] {
    return this.#notRun;
  }

  closingLine(): string {
    const differences = this.#differences === 0 ? '' : `, ${this.#differences} expected differences`;
    const counts = `${this.#passed} passed, ${this.#failed} failed${differences}`;
    const missing = this.#notRun.length === 0 ? '' : `, not run: ${this.#notRun.join('; ')}`;
    return `${this.#name}: ${counts}${missing}`;
  }
}

const indented = (text: string): string =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => INDENT + line)
    .join('\n');
