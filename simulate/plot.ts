/**
 * Line charts as SVG, by hand: panels under each other with one time axis. The colours follow the reader's light or dark
 * setting; each line has a dash of its own, so that colour is not needed to tell them apart.
 */
export interface Series {
  readonly label: string;
  /** One value a minute from the beginning of the chart. */
  readonly values: readonly number[];
}

interface Panel {
  /** With its unit. */
  readonly title: string;
  readonly series: readonly Series[];
}

interface Chart {
  readonly title: string;
  readonly description: string;
  readonly panels: readonly Panel[];
  /** Hour of the first value. */
  readonly fromHour: number;
  readonly hours: number;
}

const WIDTH = 860;
const PANEL = 170;
const GAP = 46;
const LEFT = 74;
const RIGHT = 20;
const TOP = 78;
const PLOT = WIDTH - LEFT - RIGHT;

const STYLE = `
  text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #24292f }
  .card { fill: #ffffff; stroke: #d0d7de }
  .title { font-size: 16px; font-weight: 600 }
  .axis { fill: #57606a }
  .grid { stroke: #e4e8ec }
  .line { fill: none; stroke-width: 1.8; stroke-linejoin: round }
  .s0 { stroke: #0969da }
  .s1 { stroke: #bc4c00; stroke-dasharray: 6 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .card { fill: #0d1117; stroke: #30363d }
    .axis { fill: #9198a1 }
    .grid { stroke: #262c36 }
    .s0 { stroke: #58a6ff }
    .s1 { stroke: #ffa657 }
  }`;

export function svg({ title, description, panels, fromHour, hours }: Chart): string {
  const height = TOP + panels.length * (PANEL + GAP) + 8;
  const labels = panels[0]?.series.map(({ label }) => label) ?? [];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img">`,
    `<title>${escaped(title)}</title><desc>${escaped(description)}</desc>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="card" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>`,
    text(LEFT, 28, title, 'title'),
    ...legend(labels),
    ...panels.flatMap((panel, index) => drawPanel(panel, TOP + index * (PANEL + GAP), fromHour, hours)),
    text(LEFT + PLOT / 2, height - 10, 'time of day, hours UTC', 'axis', 'middle'),
    '</svg>\n',
  ].join('\n');
}

function legend(labels: readonly string[]): string[] {
  let x = LEFT;
  return labels.flatMap((label, index) => {
    const from = x;
    x += 34 + 7.2 * label.length + 26;
    return [`<path class="line s${index}" d="M${from} 50h28"/>`, text(from + 34, 54, label)];
  });
}

function drawPanel({ title, series }: Panel, top: number, fromHour: number, hours: number): string[] {
  const step = niceStep(Math.max(1, ...series.flatMap(({ values }) => values)) / 4);
  const highest = step * Math.ceil(Math.max(1, ...series.flatMap(({ values }) => values)) / step);
  const bottom = top + PANEL;
  const y = (value: number): number => bottom - (value / highest) * (PANEL - 22);
  const x = (minute: number): number => LEFT + (minute / (hours * 60)) * PLOT;
  const hourStep = hours > 12 ? 3 : hours > 6 ? 2 : 1;
  return [
    text(LEFT, top + 8, title, 'axis'),
    ...Array.from({ length: highest / step + 1 }, (_, index) => index * step).flatMap((value) => [
      `<path class="grid" d="M${LEFT} ${round(y(value))}h${PLOT}"/>`,
      text(LEFT - 8, y(value) + 4, value.toLocaleString('en-US'), 'axis', 'end'),
    ]),
    ...Array.from({ length: Math.floor(hours / hourStep) + 1 }, (_, index) => index * hourStep).flatMap(
      (hour) => [
        `<path class="grid" d="M${round(x(60 * hour))} ${bottom}v5"/>`,
        text(x(60 * hour), bottom + 18, String(fromHour + hour), 'axis', 'middle'),
      ],
    ),
    // Drawn last first, so that the first lies on top.
    ...series
      .map(({ values }, index) => `<path class="line s${index}" d="${steps(values, x, y)}"/>`)
      .toReversed(),
  ];
}

/** A line that holds its value until the next minute; minutes without a change are left out. */
function steps(
  values: readonly number[],
  x: (minute: number) => number,
  y: (value: number) => number,
): string {
  const path = [`M${round(x(0))} ${round(y(values[0] ?? 0))}`];
  values.forEach((value, minute) => {
    if (minute > 0 && value !== values[minute - 1]) path.push(`H${round(x(minute))}V${round(y(value))}`);
  });
  return [...path, `H${round(x(values.length))}`].join('');
}

/** 1, 2, 2.5 or 5 times a power of ten, at least 1. */
function niceStep(atLeast: number): number {
  const power = 10 ** Math.floor(Math.log10(atLeast));
  const factor = [1, 2, 2.5, 5, 10].find((candidate) => candidate * power >= atLeast) ?? 10;
  return Math.max(1, Math.ceil(factor * power));
}

const text = (x: number, y: number, content: string, className = '', anchor = 'start'): string =>
  `<text x="${round(x)}" y="${round(y)}" class="${className}" text-anchor="${anchor}">${escaped(content)}</text>`;

const round = (value: number): string => String(Math.round(value * 10) / 10);

const escaped = (content: string): string =>
  content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
