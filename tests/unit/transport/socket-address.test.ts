import { homedir } from "node:os";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parseSocketAddress } from "../../../lib/transport/socket-address.js";

function refusal(url: unknown, allowPlaintext?: boolean): { message: string; code: string } {
  try {
    parseSocketAddress(url, allowPlaintext);
  } catch (error) {
    return error as { message: string; code: string };
  }
  throw new Error("it was not refused");
}

describe("what is reached over TCP", () => {
  test.each([
    ["ws://127.0.0.1:4500", "ws://127.0.0.1:4500/"],
    ["ws://127.1:4500/", "ws://127.0.0.1:4500/"],
    ["ws://localhost:4500/path", "ws://localhost:4500/path"],
    ["ws://[::1]:4500", "ws://[::1]:4500/"],
    ["WSS://Example.com", "wss://example.com/"],
    ["wss://example.com:444/a?b=c", "wss://example.com:444/a?b=c"],
  ])("%s is allowed", (url, expected) => {
    expect(parseSocketAddress(url)).toMatchObject({ url: expected, socketPath: undefined });
  });

  test("a query, which may hold a secret, is not shown", () => {
    const { shown } = parseSocketAddress("wss://example.com/a?key=secret");
    expect(shown).toBe("wss://example.com/a");
  });

  test.each([
    "http://127.0.0.1:4500",
    "127.0.0.1:4500",
    "ws:/127.0.0.1",
    "ws://",
    "ws://host:99999999",
    "ws+unix:///tmp/a.sock:/",
    "stdio://",
    "",
    undefined,
    null,
    42,
    new URL("ws://127.0.0.1"),
  ])("%p is refused, and the message says what is allowed", (url) => {
    expect(refusal(url)).toMatchObject({
      code: "INVALID_ARGUMENT",
      message: "url must be ws://host:port, wss://host:port or unix:///absolute/path",
    });
  });

  test.each([
    ["ws://user:secret@127.0.0.1:4500", "url must not contain a user or a password; use token"],
    ["wss://secret@example.com", "url must not contain a user or a password; use token"],
    ["wss://example.com/#secret", "url must not contain a fragment (#)"],
  ])("%s is refused without being quoted", (url, message) => {
    expect(refusal(url).message).toBe(message);
  });

  test.each([
    "ws://example.com:4500",
    "ws://10.0.0.1:4500",
    "ws://[fe80::1]:4500",
    "ws://0.0.0.0:4500",
    "ws://127.0.0.1.example.com",
    "ws://localhost.example.com",
  ])("%s is readable on the way, and refused unless that is allowed", (url) => {
    expect(refusal(url).message).toContain("must be wss:// for another machine");
    expect(refusal(url).message).toContain("allowPlaintext: true");
    expect(parseSocketAddress(url, true).socketPath).toBeUndefined();
  });
});

describe("what is reached over a unix socket", () => {
  test("the path stands in the URL as it is", () => {
    const socketPath = "/tmp/a dir:x/100%20?b#c.sock";
    expect(parseSocketAddress(`unix://${socketPath}`)).toEqual({
      url: "ws://localhost/",
      socketPath,
      shown: `unix://${socketPath}`,
    });
  });

  test("without a path it is where the server listens by default", () => {
    const before = process.env["CODEX_HOME"];
    const socketPath = () => parseSocketAddress("unix://").socketPath;
    const under = (home: string) =>
      path.join(home, "app-server-control", "app-server-control.sock");
    try {
      process.env["CODEX_HOME"] = "/somewhere/else";
      expect(socketPath()).toBe(under("/somewhere/else"));
      delete process.env["CODEX_HOME"];
      expect(socketPath()).toBe(under(path.join(homedir(), ".codex")));
    } finally {
      if (before === undefined) delete process.env["CODEX_HOME"];
      else process.env["CODEX_HOME"] = before;
    }
  });

  test("a relative path is refused", () => {
    expect(refusal("unix://codex.sock").message).toBe(
      "url must have an absolute path: unix:///absolute/path",
    );
  });

  test("a path with a null byte is refused", () => {
    expect(refusal("unix:///tmp/a\0b").code).toBe("INVALID_ARGUMENT");
  });
});
