/**
 * The one door to sharp. Its settings are global to the process, so they are made here, before anyone can decode:
 * without the block list libvips would also read SVG (which fetches), PDF and whatever it is built with next.
 */
import sharp, { type OverlayOptions, type Sharp, type SharpOptions } from 'sharp';

// Many pictures at once, one thread each, beat one picture on many threads; no operation is ever repeated.
sharp.concurrency(1);
sharp.cache(false);

sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: [
    'VipsForeignLoadJpeg',
    'VipsForeignLoadPng',
    'VipsForeignLoadWebp',
    'VipsForeignLoadNsgif',
    'VipsForeignLoadTiff',
    'VipsForeignLoadHeif',
    // Our own scratch files; a client's is refused by its first bytes.
    'VipsForeignLoadVips',
  ],
});

export { type OverlayOptions, type Sharp, type SharpOptions, sharp };
