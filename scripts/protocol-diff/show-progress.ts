import type { PackageProgress } from "./fetch-package.js";

const words = {
  asking: "asking the registry",
  downloading: "downloading",
  verifying: "verifying",
  unpacking: "unpacking",
};

/**
 * Shows how a release is fetched: on a terminal in one line that changes, else in a line for each stage.
 * `end` leaves the terminal's line clean.
 */
export function showProgress(
  name: string,
  out: Pick<NodeJS.WriteStream, "write"> & { readonly isTTY?: boolean | undefined },
): { readonly onProgress: (progress: PackageProgress) => void; readonly end: () => void } {
  let last = "";
  const clear = "\r\u001b[K";
  const onProgress = (progress: PackageProgress): void => {
    const isNew = progress.stage !== last;
    last = progress.stage;
    const size = progress.stage === "downloading" ? sizeText(progress.bytes) : "";
    if (out.isTTY) out.write(`${clear}${name}: ${words[progress.stage]}${size}`);
    else if (isNew) out.write(`${name}: ${words[progress.stage]}\n`);
  };
  const end = (): void => {
    if (out.isTTY && last !== "") out.write(clear);
  };
  return { onProgress, end };
}

function sizeText(bytes: number): string {
  return bytes === 0 ? "" : ` (${Math.round(bytes / 1e6)} MB)`;
}
