/** Figures and names as people read them. */

const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
const whole = new Intl.NumberFormat('en');

export const formatNumber = (value: number): string => whole.format(value);
export const formatDateTime = (time: string): string => dateTime.format(new Date(time));
export const formatClock = (time: number): string => clock.format(time);

/** `just now`, `5 min. ago`, `yesterday`. */
export function formatAgo(time: string, now = Date.now()): string {
  const seconds = Math.round((Date.parse(time) - now) / 1000);
  if (Math.abs(seconds) < 10) return 'just now';
  if (Math.abs(seconds) < 60) return relative.format(seconds, 'second');
  if (Math.abs(seconds) < 3_600) return relative.format(Math.round(seconds / 60), 'minute');
  if (Math.abs(seconds) < 86_400) return relative.format(Math.round(seconds / 3_600), 'hour');
  return relative.format(Math.round(seconds / 86_400), 'day');
}

/** `840 ms`, `2.4 s`, `3 min 20 s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(0)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export const formatPercent = (fraction: number): string =>
  `${(fraction * 100).toFixed(fraction < 0.1 ? 1 : 0)} %`;

const acronyms: Readonly<Record<string, string>> = { iou: 'IoU', url: 'URL', nms: 'NMS' };

/** `super-resolution` or `upscale_factor` as a label. */
export function titleCase(name: string): string {
  const words = name.replaceAll(/[_-]+/g, ' ').trim();
  if (/^(iou|url|nms)\b/.test(words)) return words.replace(/^\w+/, (word) => acronyms[word] ?? word);
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** `1 picture`, `3 pictures`. */
export const plural = (count: number, word: string): string =>
  `${formatNumber(count)} ${word}${count === 1 ? '' : 's'}`;

/** Enough of a job's id to tell it from its neighbours. */
export const shortId = (id: string): string => id.replace(/^job_/, '').slice(0, 8);
