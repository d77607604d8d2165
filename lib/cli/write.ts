/**
 * Writes a text, and resolves when it is written, since a process that exits before loses it; or when nobody
 * reads any more, as behind `| head`.
 */
export function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  // The event comes after the callback, and without a listener it would end the process.
  if (!stream.listeners("error").includes(ignore)) stream.on("error", ignore);
  return new Promise((resolve) => {
    stream.write(text, () => {
      resolve();
    });
  });
}

function ignore(): void {
  // There is nobody to tell.
}
