import { expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { compileProgram } from "../../support/compile-program.js";

const host = await compileProgram(new URL("throwing-subscriber-host.ts", import.meta.url));

test("a subscriber that throws does not break a turn: Node tells the process of it, and nobody else", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [host]);
  expect(JSON.parse(stdout)).toEqual({
    status: "completed",
    finalResponse: "Hi.",
    hasThrown: true,
  });
});
