/** The few icons of the page, drawn on a grid of 16. */

const paths = {
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  close: 'M4 4l8 8M12 4l-8 8',
  grip: 'M5 4.500 1.500 8 5 11.500M11 4.500 14.500 8 11 11.500',
  download: 'M8 2v8M4.500 7 8 10.500 11.500 7M3 13.500h10',
  retry: 'M13 8a5 5 0 1 1-1.500-3.500L13 6M13 2.500V6H9.500',
  trash: 'M3 4.500h10M6.500 4.500V3h3v1.500M4.500 4.500l.5 8.500h6l.5-8.500',
  stop: 'M4.500 4.500h7v7h-7z',
  settings: 'M2.500 5h6M11.500 5h2M2.500 11h2M7.500 11h6M10 3.500v3M6 9.500v3',
  back: 'M9.500 3.500 5 8l4.500 4.500',
  picture: 'M2.500 3.500h11v9h-11zM2.500 10.500l3-3 3 3 2-2 3 3M10 6.200h.01',
  code: 'M5.500 4.500 2 8l3.500 3.500M10.500 4.500 14 8l-3.500 3.500',
  copy: 'M5.500 5.500h7v7h-7zM3.500 10.500v-7h7',
  alert: 'M8 2.500 14.500 13.500h-13zM8 6.500v3M8 11.500h.01',
} as const;

export type IconName = keyof typeof paths;

export const Icon = ({ name }: { readonly name: IconName }) => (
  <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    <path d={paths[name]} />
  </svg>
);
