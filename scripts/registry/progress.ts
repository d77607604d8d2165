/** How often a line is printed where there is no terminal to rewrite one on (ms). */
const pause = 5_000;

export interface ProgressOutput {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/** Shows how far downloads are: one line that changes on a terminal, else a line every few seconds. */
export class Progress {
  readonly #output: ProgressOutput;
  readonly #now: () => number;
  #shown: { readonly spec: string; readonly line: string; readonly at: number } | undefined;
  #isOpen = false;

  constructor(output: ProgressOutput, now: () => number = () => performance.now()) {
    this.#output = output;
    this.#now = now;
  }

  show(spec: string, bytes: number, total: number | undefined): void {
    const line = `  ${spec}: ${amount(bytes, total)}`;
    if (this.#output.isTTY) {
      this.#output.write(`\r${line}\u001B[K`);
      this.#isOpen = true;
      return;
    }
    const now = this.#now();
    if (this.#shown?.spec === spec && now - this.#shown.at < pause) return;
    // npm has all of it, and is not done with it.
    if (this.#shown?.line === line) return;
    this.#shown = { spec, line, at: now };
    this.#output.write(`${line}\n`);
  }

  /** Takes the line away that changes, before others are printed. */
  clear(): void {
    if (this.#isOpen) this.#output.write("\r\u001B[K");
    this.#isOpen = false;
  }
}

function amount(bytes: number, total: number | undefined): string {
  if (total === undefined) return bytes === 0 ? "downloading" : megabytes(bytes);
  // npm's cache keeps a little more than the tarball.
  const share = Math.min(1, bytes / total);
  return `${megabytes(Math.min(bytes, total))} of ${megabytes(total)} (${Math.floor(share * 100)} %)`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
