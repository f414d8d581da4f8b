/**
 * Calls the scaling function, without waiting for it. The client is loaded on the first call: almost no request makes
 * one, and none should pay for it at its cold start.
 */
export class ScaleInvoker {
  readonly #settings: { readonly region: string; readonly endpoint?: string };
  readonly #functionName: string;

  constructor(settings: { readonly region: string; readonly endpoint?: string }, functionName: string) {
    this.#settings = settings;
    this.#functionName = functionName;
  }

  /** @param workSeconds predicted work of the job that found nobody there */
  async wake(workSeconds: number): Promise<void> {
    const { invokeFunction } = await import('./invoke-function.ts');
    await invokeFunction(this.#settings, this.#functionName, { wake_seconds: workSeconds });
  }
}
