/** Writes a text, and resolves when it is written: a process that exits before loses it. */
export function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      stream.off("error", end);
      resolve();
    };
    // Nobody reads any more, as behind `| head`: there is nobody to tell, either.
    stream.on("error", end);
    stream.write(text, end);
  });
}
