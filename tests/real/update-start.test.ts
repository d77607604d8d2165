import { describe, expect, test } from "@jest/globals";
import { chmod, writeFile } from "node:fs/promises";
import path from "node:path";
import { RUNTIME_VERSION } from "../../generated/runtime.js";
import { checkStart } from "../../scripts/update-artifacts/check-start.js";
import { nativeCodexPath } from "../support/raw-client.js";
import { makeTempDir } from "../support/temp-dir.js";

const { signal } = new AbortController();

describe("the start check of update-artifacts", () => {
  test("takes the installed runtime, which answers initialize", async () => {
    await expect(checkStart(nativeCodexPath(), RUNTIME_VERSION, signal)).resolves.toBeUndefined();
  });

  test("refuses a runtime of another version, and names both", async () => {
    await expect(checkStart(nativeCodexPath(), "0.0.1", signal)).rejects.toThrow(
      `${nativeCodexPath()} calls itself ${RUNTIME_VERSION}, and should be 0.0.1.`,
    );
  });

  test("refuses a program that has the version, and no app-server that answers", async () => {
    await using folder = await makeTempDir();
    const program = path.join(folder.path, "codex");
    const silent = '#!/bin/sh\n[ "$1" = --version ] && echo "codex-cli 1.2.3"\nexit 0\n';
    await writeFile(program, silent);
    await chmod(program, 0o755);
    await expect(checkStart(program, "1.2.3", signal)).rejects.toThrow(
      "codex is started, but its app-server does not answer initialize.",
    );
  });

  test.each([
    ["--version", "exec sleep 600"],
    [
      "app-server",
      '[ "$1" = --version ] && echo "codex-cli 1.2.3" && exit 0\nread line\nexec sleep 600',
    ],
  ])("ends the program, deaf at %s, when it is ended itself", async (_stage, deaf) => {
    await using folder = await makeTempDir();
    const program = path.join(folder.path, "codex");
    await writeFile(program, `#!/bin/sh\n${deaf}\n`);
    await chmod(program, 0o755);
    const controller = new AbortController();
    const checked = checkStart(program, "1.2.3", controller.signal);
    controller.abort(new Error("ended by SIGINT"));
    await expect(checked).rejects.toThrow("ended by SIGINT");
  });
});
