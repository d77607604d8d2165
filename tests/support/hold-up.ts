/**
 * Blocks the whole process, as a long computation or a suspended machine does: nothing is read and no
 * timer fires until `ms` milliseconds have passed and `done` holds, which may look at files only.
 */
export function holdUp(ms: number, done: () => boolean = () => true): void {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const begin = performance.now();
  while (performance.now() - begin < ms || !done()) {
    if (performance.now() - begin > 30_000) throw new Error("it does not come to that");
    Atomics.wait(cell, 0, 0, 10);
  }
}
