import { expect, test } from "@jest/globals";
import ts from "typescript";
import { notificationRouting } from "../../../generated/routing.js";
import { resolveSettings } from "../../../lib/options/options.js";
import {
  observedNotifications,
  progressNotifications,
  textDeltaNotifications,
} from "../../../lib/messages/observed-notifications.js";
import { parseSource, sourceFiles } from "../../support/source-imports.js";

const methods = new Set(Object.keys(notificationRouting));

/** The notifications that a source file names in its code; types do not count. */
function namedIn(file: string): string[] {
  const named: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node)) return;
    if (ts.isStringLiteralLike(node) && methods.has(node.text)) {
      // A name such as "error" has other uses.
      if (node.text.includes("/") || isComparedWithMethod(node)) named.push(node.text);
    }
    // Whoever uses this list reads all that is on it.
    const isList = ts.isIdentifier(node) && node.text === "textDeltaNotifications";
    if (isList && !ts.isImportSpecifier(node.parent)) named.push(...textDeltaNotifications);
    ts.forEachChild(node, visit);
  };
  visit(parseSource(file));
  return named;
}

function isComparedWithMethod({ parent }: ts.Node): boolean {
  if (ts.isCaseClause(parent)) return parent.parent.parent.expression.getText().endsWith("method");
  return ts.isBinaryExpression(parent) && parent.left.getText().endsWith("method");
}

const files = sourceFiles("lib").filter(
  (file) => !file.startsWith("lib/testing/") && !file.endsWith("/observed-notifications.ts"),
);
const named = new Map<string, string>();
for (const file of files) for (const method of namedIn(file)) named.set(method, file);
const listed: readonly string[] = [...observedNotifications, ...progressNotifications];

test("whatever notification the library listens to is on one of its two lists", () => {
  expect([...named].filter(([method]) => !listed.includes(method))).toEqual([]);
});

test("and the lists name nothing that nobody listens to", () => {
  expect(listed.filter((method) => !named.has(method))).toEqual([]);
  expect(new Set(listed).size).toBe(listed.length);
});

test.each(observedNotifications)("nobody may opt out of %s", (method) => {
  const optOutNotificationMethods = ["deprecationNotice", method];
  expect(() => resolveSettings({ optOutNotificationMethods })).toThrow(
    `optOutNotificationMethods must not name ${method}, which the library relies on`,
  );
});

test("everybody may opt out of the others, known or not", () => {
  const optOutNotificationMethods = [
    ...[...methods].filter((method) => !observedNotifications.some((each) => each === method)),
    "test/unknown",
  ];
  expect(resolveSettings({ optOutNotificationMethods })).toMatchObject({
    optOutNotificationMethods,
  });
});

test.each([[[1]], [[null]], [["fs/changed ", ["turn/started"]]], ["turn/started"]])(
  "what is no list of names is refused: %j",
  (list) => {
    const optOutNotificationMethods = list as never;
    expect(() => resolveSettings({ optOutNotificationMethods })).toThrow(
      "optOutNotificationMethods must be an array of method names",
    );
  },
);
