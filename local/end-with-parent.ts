/**
 * Loaded into each process of the stack before its own code. They have process groups of their own, so where the stack is
 * killed nobody would end them, and a worker left behind takes the jobs of the next stack on the same ports.
 */
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// To listen is no reason to stay.
process.channel?.unref();
