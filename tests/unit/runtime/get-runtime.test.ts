import { describe, expect, test } from "@jest/globals";
import { RUNTIME_VERSION } from "../../../generated/runtime.js";
import { adviceFor } from "../../../lib/runtime/get-runtime.js";

const install = `npm install @openai/codex@${RUNTIME_VERSION}`;
const failed = { archive: undefined, isBundled: false, isIncomplete: false, place: "/app/dist" };

describe("what helps when there is no runtime", () => {
  test("where the library was installed: one command", () => {
    expect(adviceFor(failed)).toBe(`Run: ${install}`);
    expect(adviceFor({ ...failed, isIncomplete: true })).toBe(
      `Run: npm install --include=optional @openai/codex@${RUNTIME_VERSION}`,
    );
  });

  test("in a bundle: to install it there, or to name one", () => {
    expect(adviceFor({ ...failed, isBundled: true })).toBe(
      "This library is part of a bundle, and bundlers take no programs along. " +
        `Run in /app/dist, or above: ${install}\n` +
        "Or name an executable: with the option codexPath, or with the environment variable CODEX_PATH.",
    );
  });

  test("in code without a file: to name one", () => {
    const advice = adviceFor({ ...failed, isBundled: true, place: undefined });
    expect(advice).toContain(`Install @openai/codex@${RUNTIME_VERSION}, and name an executable`);
  });

  test("in an archive of Electron: to have it unpacked, or to name one", () => {
    const archive = "/opt/app/resources/app.asar";
    const advice = adviceFor({ ...failed, isBundled: true, archive });
    expect(advice).toContain(`No program starts from inside ${archive}.`);
    expect(advice).toContain('asarUnpack: ["**/node_modules/@openai/**"]');
    expect(advice).toContain("codexPath");
  });
});
