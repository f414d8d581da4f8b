/** Bytes to a file of the person's choosing, by the browser's own way of saving. */

/** Long enough for any browser to have taken hold of the bytes. */
const HOLD_MS = 60_000;

export function saveAs(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), HOLD_MS);
}
