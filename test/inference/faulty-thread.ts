/** A device thread with faulty-session.ts in the place of onnxruntime's; everything else is the thread as it is. */
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    const isSession =
      specifier === './session.ts' && context.parentURL?.endsWith('/inference/device-thread.ts');
    return next(isSession ? new URL('./faulty-session.ts', import.meta.url).href : specifier, context);
  },
});
await import('../../gpu-worker/inference/device-thread.ts');
