/**
 * Gives a large buffer's memory back at once. V8 counts what lies outside its heap loosely: in a loop over strips, 60 to 100 MB
 * of buffers that nobody holds any more would wait for its next collection.
 */

/** @param bytes of a buffer of its own, as sharp makes them; whoever reads it afterwards finds it empty */
export function letGo({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
