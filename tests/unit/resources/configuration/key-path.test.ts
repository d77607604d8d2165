import { expect, test } from "@jest/globals";
import { toKeyPath } from "../../../../lib/resources/configuration/key-path.js";
import { InvalidArgumentError } from "../../../../lib/errors/invalid-argument-error.js";

test.each([
  ["model", "model"],
  ["mcp_servers.docs.command", "mcp_servers.docs.command"],
  [["model"], "model"],
  [["mcp_servers", "my-server_1", "command"], "mcp_servers.my-server_1.command"],
  [["mcp_servers", "a.b"], 'mcp_servers."a.b"'],
  [["a", 'quo"te'], 'a."quo\\"te"'],
  [["a", "back\\slash"], 'a."back\\\\slash"'],
  [["a", "two words"], 'a."two words"'],
])("%j is %s", (path, written) => {
  expect(toKeyPath(path)).toBe(written);
});

test.each([
  ["", "keyPath"],
  [[], "keyPath"],
  [["a", ""], "keyPath[1]"],
] as const)("%j is refused", (path, argument) => {
  const refused = () => toKeyPath(path);
  expect(refused).toThrow(InvalidArgumentError);
  expect(refused).toThrow(expect.objectContaining({ argument }));
});
