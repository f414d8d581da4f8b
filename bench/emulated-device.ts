/**
 * Loaded into the worker's process before its own code (`node --import`): puts sleeping-session.ts in the place of
 * onnxruntime, as if the device were elsewhere and took no CPU. Everything else is the worker as it is.
 */
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    const isSession =
      specifier === './session.ts' && context.parentURL?.endsWith('/inference/device-thread.ts');
    return next(isSession ? new URL('./sleeping-session.ts', import.meta.url).href : specifier, context);
  },
});
