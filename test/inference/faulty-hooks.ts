/**
 * Puts faulty-session.ts in the place of onnxruntime in this thread, or, loaded by `node --import`, in every device thread of
 * a worker process.
 */
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    const isSession =
      specifier === './session.ts' && context.parentURL?.endsWith('/inference/device-thread.ts');
    return next(isSession ? new URL('./faulty-session.ts', import.meta.url).href : specifier, context);
  },
});
