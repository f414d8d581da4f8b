/** A device thread with faulty-session.ts in the place of onnxruntime's; everything else is the thread as it is. */
import './faulty-hooks.ts';

await import('../../gpu-worker/inference/device-thread.ts');
