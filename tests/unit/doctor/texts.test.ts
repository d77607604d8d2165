import { describe, expect, test } from "@jest/globals";
import { checkConfiguration } from "../../../lib/doctor/check-configuration.js";
import { firstWords } from "../../../lib/doctor/first-words.js";
import { joinProblems } from "../../../lib/doctor/join-problems.js";
import { parseLocks } from "../../../lib/doctor/lock-holders.js";
import { saysAndCure } from "../../../lib/doctor/says-and-cure.js";
import { compareVersions, oldestIn } from "../../../lib/doctor/versions.js";
import { withoutSecrets } from "../../../lib/doctor/without-secrets.js";
import packageJson from "../../../package.json" with { type: "json" };

describe("secrets", () => {
  const clean = withoutSecrets({
    HTTPS_PROXY: "http://somebody:hunter%2122@proxy.example:8080",
    MY_API_KEY: "sk-abcdefghijkl",
    SSH_AUTH_SOCK: "/tmp/ssh-socket",
    PWD: "/home/me/project",
    GIT_AUTHOR_NAME: "Somebody Else",
    SHORT_TOKEN: "abc",
    SIGNING_KEY: "-----BEGIN KEY-----\nMC4CAQAwBQYDK2Vw\nBCIEIJ1hsZ3v/VpguoRK\n-----END KEY-----\n",
  });

  test("are taken out: values of secret variables, and what a proxy's URL holds", () => {
    expect(clean("key sk-abcdefghijkl.")).toBe("key ….");
    expect(clean("at http://somebody:hunter%2122@proxy.example:8080/")).toBe(
      "at http://…@proxy.example:8080/",
    );
    expect(clean("the password is hunter!22")).toBe("the password is …");
  });

  test("of several lines are taken out line by line, and as one line", () => {
    expect(clean("bad line: BCIEIJ1hsZ3v/VpguoRK")).toBe("bad line: …");
    expect(clean("in MC4CAQAwBQYDK2Vw BCIEIJ1hsZ3v/VpguoRK it is")).toBe("in … … it is");
  });

  test("are taken out where a text is too long to be shown as a whole", async () => {
    const secret = "eyJhbGciOi".repeat(30);
    const hides = withoutSecrets({ MY_TOKEN: secret });
    const message = `It ended.\nThe process wrote to stderr:\nno login with ${secret}`;
    const { says } = saysAndCure(message, "Look.");
    expect(hides(says)).toBe("It ended. Its last line on stderr: no login with …");
    const warning = { summary: `An odd setting: ${secret}`, details: null };
    const finding = await checkConfiguration(Promise.resolve(), [warning]);
    expect(hides(finding.says)).toMatch(/An odd setting: …$/);
  });

  test("are taken out of URLs that no variable holds, with their queries", () => {
    expect(clean("for url (https://me:pw@host/x?token=abc), when")).toBe(
      "for url (https://…@host/x), when",
    );
    expect(clean("wss://host/path#token=abc and more")).toBe("wss://host/path and more");
    expect(clean("https://host/page#part and more")).toBe("https://host/page#part and more");
  });

  test("are no paths, names, packages or short words", () => {
    for (const text of [
      "/tmp/ssh-socket",
      "/home/me/project/node_modules/@openai/codex",
      "npm install @openai/codex@0.171.0",
      "Somebody Else",
      "abc",
    ]) {
      expect(clean(text)).toBe(text);
    }
  });
});

test.each([
  ["all of it", "all of it"],
  ["exactly 10", "exactly 10"],
  ["one two three", "one two …"],
  ["0123456789 a", "0123456789 …"],
  ["01234567890", "…"],
])("of %j is shown what are whole words", (text, shown) => {
  expect(firstWords(text, 10)).toBe(shown);
});

describe("the message of an error", () => {
  test("is split into what is wrong and what to do", () => {
    const message =
      "/a/b.c, the server's directory (CODEX_HOME), is not a directory. Name another one.";
    expect(saysAndCure(message, "Look.")).toEqual({
      says: "/a/b.c, the server's directory (CODEX_HOME), is not a directory.",
      cure: "Name another one.",
    });
  });

  test("without advice gets some, and keeps the last line of stderr, without colours", () => {
    const message =
      "It ended with code 1\nThe process wrote to stderr:\nfirst\n\u001b[31mlibx.so is missing\u001b[0m\n";
    expect(saysAndCure(message, "Look.")).toEqual({
      says: "It ended with code 1 Its last line on stderr: libx.so is missing",
      cure: "Look.",
    });
  });
});

test("several problems of a check are one finding, as bad as the worst, with each cure once", () => {
  const warning = { status: "warning", says: "A.", cure: "Do it." } as const;
  const failure = { status: "failure", says: "B.", cure: "Do it." } as const;
  expect(joinProblems("x", [], "well")).toEqual({ name: "x", status: "ok", says: "well" });
  expect(joinProblems("x", [warning], "well").status).toBe("warning");
  expect(joinProblems("x", [warning, failure], "well")).toEqual({
    name: "x",
    status: "failure",
    says: "A. B.",
    cure: "Do it.",
  });
});

describe("versions", () => {
  test.each([
    ["20.19.0", "20.19", 0],
    ["20.9.0", "20.19", -1],
    ["0.172.0-alpha.3", "0.171.0", 1],
    ["8.3", "8.23.0", -1],
    ["22.0.0", "20.19", 1],
  ])("%s is compared with %s by its numbers", (left, right, sign) => {
    expect(Math.sign(compareVersions(left, right))).toBe(sign);
  });

  test("the ranges of this package are all of a form that is read", () => {
    const ranges = [packageJson.engines.node, ...Object.values(packageJson.peerDependencies)];
    expect(ranges.length).toBeGreaterThan(3);
    expect(ranges.map(oldestIn)).not.toContain(undefined);
    expect(oldestIn(">=6.7 <7")).toBe("6.7");
    expect(oldestIn("^8.0.0")).toBeUndefined();
  });
});

test("locks are read as Linux tells them; those of other kinds are none of SQLite's", () => {
  const text =
    "1: POSIX  ADVISORY  READ 10906 fe:00:2146823 128 128\n" +
    "2: POSIX  ADVISORY  WRITE 33 08:1f:7 1073741824 1073742335\n" +
    "2: -> POSIX  ADVISORY  WRITE 34 08:1f:7 1073741824 1073742335\n" +
    "3: FLOCK  ADVISORY  WRITE 10906 fe:00:2146814 0 EOF\n";
  expect(parseLocks(text)).toEqual([
    { pid: 10906, isWrite: false, file: "254:0:2146823" },
    { pid: 33, isWrite: true, file: "8:31:7" },
  ]);
});
