/**
 * The ports of a test file's stack. Two checkouts on one machine can run their tests side by side where one of them
 * sets OUTBOARD_TEST_PORT_SHIFT.
 */
const SHIFT = Number(process.env.OUTBOARD_TEST_PORT_SHIFT ?? 0);

export const testPort = (port: number): number => port + SHIFT;
