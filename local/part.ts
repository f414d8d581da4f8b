/** How the parts of the stack are started that are processes of their own. */
import path from 'node:path';

/** Flags of a process that must not outlive this one, however this one ends; it needs an IPC channel. */
export const endWithParent = ['--import', path.join(import.meta.dirname, 'end-with-parent.ts')];
