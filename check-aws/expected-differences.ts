/**
 * Where an emulator is known to do otherwise than AWS documents; docs/emulators.md says more. A test listed here must
 * fail on that emulator: when it begins to pass, the check fails until the line is taken off.
 */
export interface Difference {
  readonly engine: string;
  /** Suite › test. */
  readonly test: string;
  /** What the emulator does, and what AWS documents. */
  readonly why: string;
  /** A race: who wins is chance there, so it may pass too. */
  readonly sometimes: boolean;
}

const NO_LOCK =
  'moto serves requests in threads and looks at a condition and writes in two steps; conditional writes of AWS are one';
const NO_POLICY =
  'moto stores whatever a form brings; S3 holds it to its signed policy, as the local server does';

const motoRaces = [
  'the delivery store › gives one of many claims the attempt, and none before its time',
  'the delivery store › opens one delivery however often the end is found, under the same id, and notes it once',
  'the holders of uploads › has a last holder, however many leave at once',
  'the fleet store › lets one of many racing submits wake a fleet at zero, and the next one only after a while',
  'the fleet store › lets one of many racing scalers decide, on the first record and on later ones',
  'the job store › lets exactly one of many racing creations of an id win, and tells the others who did',
  'the job store › grants one of many claims at once, and tells the others until when it is leased',
  'the object store › lets exactly one of many racing creations of a key win',
  'the model repository › loses none of twelve versions that are published at the same moment',
];

const motoForms = [
  'the object store › refuses a form upload that is too large or too small, and stores nothing',
  'the object store › refuses a form whose type, key or fields are not those that were signed',
  'the object store › refuses a form whose policy was changed after signing',
];

const differences: readonly Difference[] = [
  ...motoRaces.map((test) => ({ engine: 'moto', test, why: NO_LOCK, sometimes: true })),
  ...motoForms.map((test) => ({ engine: 'moto', test, why: NO_POLICY, sometimes: false })),
  {
    engine: 'moto',
    test: 'the object store › joins the parts of a multipart upload in their order',
    why: 'of parts in the wrong order moto says EntityTooSmall: it takes the last of the list for the last part; S3 documents InvalidPartOrder',
    sometimes: false,
  },
  {
    engine: 'moto',
    test: 'the object store › keeps odd keys apart: spaces, signs of URLs, dots, other scripts, the longest',
    why: 'moto takes a key of more than 1,024 bytes; S3 documents that as the longest',
    sometimes: false,
  },
];

export const differencesOf = (engine: string): readonly Difference[] =>
  differences.filter((difference) => difference.engine === engine);
