/** How many tries a finding is worth. */
const maxTries = 400;

/** A smaller input that fails too: without the lines, then without the bytes that do not matter. */
export async function minimise(
  input: Buffer,
  fails: (candidate: Buffer) => Promise<boolean>,
): Promise<Buffer> {
  const tries = { left: maxTries };
  const lines = input.toString("latin1").split("\n");
  const kept = await shrink(lines, tries, (some) => fails(Buffer.from(some.join("\n"), "latin1")));
  const bytes = [...Buffer.from(kept.join("\n"), "latin1")];
  return Buffer.from(await shrink(bytes, tries, (some) => fails(Buffer.from(some))));
}

/** Leaves out ever smaller parts, as long as what is left still fails. */
async function shrink<T>(
  list: readonly T[],
  tries: { left: number },
  fails: (some: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let kept = list;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < kept.length && tries.left > 0;) {
      const candidate = kept.toSpliced(at, size);
      tries.left -= 1;
      if (candidate.length < kept.length && (await fails(candidate))) kept = candidate;
      else at += size;
    }
  }
  return kept;
}
