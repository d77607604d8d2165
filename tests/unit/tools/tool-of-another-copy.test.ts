import { expect, jest, test } from "@jest/globals";
import { defineTool } from "../../../lib/tools/define-tool.js";
import { toolFailure } from "../../../lib/tools/call-tool.js";
import type { ToolContext } from "../../../lib/tools/tool.js";

test("the model is told why arguments do not fit, whichever copy of the package defined the tool", async () => {
  jest.resetModules();
  const copy = await import("../../../lib/tools/define-tool.js");
  expect(copy.defineTool).not.toBe(defineTool);
  const input = {
    type: "object",
    properties: { to: { type: "number" } },
    required: ["to"],
  } as const;
  for (const define of [defineTool, copy.defineTool]) {
    const tool = define({ name: "add", description: "Adds one.", input, execute: () => "" });
    const call = Promise.resolve(tool.execute({ to: "two" }, {} as ToolContext));
    const { contentItems } = toolFailure(await call.catch((reason: unknown) => reason));
    expect(contentItems).toEqual([
      { type: "inputText", text: expect.stringMatching(/do not fit the tool's input:\n- to: /) },
    ]);
  }
});
