/** A run that failed on its device, and whether it failed for want of memory. */

/**
 * How onnxruntime says that the device's memory is used up: the arena, "Failed to allocate memory for requested buffer of
 * size …" and "Available memory of … is smaller than requested bytes of …" (core/framework/bfc_arena.cc; see
 * microsoft/onnxruntime#16307 and #22702); CUDA's error 2 as "CUDA failure 2: out of memory", cuDNN's and cuBLAS' codes for it
 * (core/providers/cuda/cuda_call.cc); std::bad_alloc, where the CPU's allocator gave up.
 */
const OUT_OF_MEMORY = [
  /Failed to allocate memory for requested buffer/i,
  /Available memory of \d+ is smaller than requested bytes/i,
  /CUDA (failure|error) 2\b/i,
  /\bout of memory\b/i,
  /CUDNN_STATUS_ALLOC_FAILED/,
  /CUBLAS_STATUS_ALLOC_FAILED/,
  /\bbad_alloc\b|\bbad allocation\b/,
];

export class DeviceError extends Error {
  readonly isOutOfMemory: boolean;

  /** @param reason as onnxruntime gave it; not for clients */
  constructor(reason: string) {
    super(reason);
    this.name = 'DeviceError';
    this.isOutOfMemory = OUT_OF_MEMORY.some((pattern) => pattern.test(reason));
  }
}
