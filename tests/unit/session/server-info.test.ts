import { describe, expect, test } from "@jest/globals";
import { RUNTIME_VERSION } from "../../../generated/runtime.js";
import { safeLogger } from "../../../lib/async/logger.js";
import { IncompatibleServerError } from "../../../lib/errors/start-errors.js";
import {
  checkServerVersion,
  minimumServerVersion,
  toServerInfo,
} from "../../../lib/session/server-info.js";

describe("the version in the user agent", () => {
  test.each<[string, string, string | undefined]>([
    ["app/0.169.0 (Linux 6.1.0; x86_64) xterm (app; 1.0.0)", "app", "0.169.0"],
    ["app/0.169.0", "app", "0.169.0"],
    ["app/0.170.0-alpha.3 (Linux)", "app", "0.170.0-alpha.3"],
    ["another-name/0.169.0 (Linux)", "app", "0.169.0"],
    ["my app/0.169.0 (Linux)", "my app", "0.169.0"],
    ["evil/9.9.9 app/0.169.0 (Linux)", "evil/9.9.9 app", "0.169.0"],
    ["a/1.2.3/0.169.0 (Linux)", "a/1.2.3", "0.169.0"],
    ["app/dev (Linux)", "app", undefined],
    ["app/0.169 (Linux)", "app", undefined],
    ["app/0.169.0.1 (Linux)", "app", undefined],
    ["", "app", undefined],
  ])("%s of %s", (userAgent, clientName, version) => {
    expect(toServerInfo({ userAgent }, clientName)).toMatchObject({ userAgent, version });
  });
});

test("what the server does not tell is empty, whatever it sent instead", () => {
  const nothing = {
    version: undefined,
    userAgent: "",
    codexHome: "",
    platformFamily: "",
    platformOs: "",
  };
  expect(toServerInfo({}, "app")).toEqual(nothing);
  const wrong: unknown = { userAgent: 7, codexHome: null, platformFamily: {}, platformOs: [] };
  expect(toServerInfo(wrong as object, "app")).toEqual(nothing);
});

describe("the check", () => {
  function check(version: string | undefined, allowUnsupported = false): string[] {
    const lines: string[] = [];
    const log = (level: string) => (message: string) => lines.push(`${level}: ${message}`);
    const logger = safeLogger({ info: log("info"), warn: log("warn"), error: log("error") });
    const userAgent = version === undefined ? "" : `app/${version} (Linux)`;
    checkServerVersion(toServerInfo({ userAgent }, "app"), logger, allowUnsupported);
    return lines;
  }

  test.each([minimumServerVersion, "0.155.2", "0.160.1", RUNTIME_VERSION])(
    "is silent on %s",
    (version) => {
      expect(check(version)).toEqual([]);
    },
  );

  test.each(["0.155.0", "0.154.9", "0.9.200", "0.120.0"])("refuses %s, naming both", (version) => {
    expect(() => check(version)).toThrow(IncompatibleServerError);
    expect(() => check(version)).toThrow(
      expect.objectContaining({ serverVersion: version, minimumVersion: minimumServerVersion }),
    );
  });

  test("only warns of an old one when that is allowed", () => {
    expect(check("0.150.1", true)).toEqual([
      "warn: codex app-server 0.150.1 is older than 0.155.1; unsupported.",
    ]);
  });

  const [major = "", minor = ""] = RUNTIME_VERSION.split(".");
  const newer = [
    `${RUNTIME_VERSION.replace(/-.*/, "")}9`,
    `${major}.${Number(minor) + 1}.0-alpha.1`,
  ];

  test.each([...newer, "1.0.0"])("says one line about %s", (version) => {
    expect(check(version)).toEqual([
      `info: codex app-server ${version} is newer than ${RUNTIME_VERSION}, which this library's types describe.`,
    ]);
  });

  test("warns once when the version is unknown, and goes on", () => {
    expect(check(undefined)).toEqual([
      "warn: The app-server did not tell its version; going on as if it were supported.",
    ]);
  });
});
