import { describe, expect, test } from "@jest/globals";
import { judge, protocolIn } from "../../update-rehearsal/rehearsal.js";

describe("npm run test:update", () => {
  test("counts what an update changed", () => {
    const status = [
      " M CHANGELOG.md",
      " M generated/types.ts",
      "?? generated/schemas/new.json",
      " D docs/api/classes/Old.md",
      " M vendor-bin/manifest.json",
      "",
    ].join("\n");
    expect(judge("an update", status)).toBe(
      "CHANGELOG.md, generated/ (2), docs/api/ (1), vendor-bin/manifest.json",
    );
    expect(judge("an update", "")).toBe("nothing");
  });

  test.each([" M lib/turn.ts", "?? left-over", " M docs/apiary.md", " M node_modules/x"])(
    "does not accept an update that leaves %j",
    (line) => {
      expect(() => judge("an update", ` M CHANGELOG.md\n${line}\n`)).toThrow(
        `an update changed ${line.slice(3)}.`,
      );
    },
  );

  test("shows what the update printed about the protocol", () => {
    const output =
      "  docs made (1 s)\n\nThe protocol, codex 0.1.0 to 0.2.0:\n\n## New\n\n- a\n\n\nCHANGELOG.md says the same.\nChanged:\n";
    expect(protocolIn(output)).toBe("The protocol, codex 0.1.0 to 0.2.0:\n\n## New\n\n- a");
    expect(protocolIn("The protocol: 0.2.0 is pinned already.\n")).toBe("");
  });
});
