import { kindOf } from "../server-requests/request-kinds.js";
import { fieldsOf, listOf, shallow, textOf, textsOf, type Fields } from "./loose-fields.js";
import type { AskedQuestion, AskedRequest, FileChangeFact } from "./part-types.js";
import type { Visibility } from "./part-options.js";
import { cwdOf } from "./tool-call.js";
import type { VisiblePaths } from "./visible-paths.js";

/** What a request of the server asks a person. `changes` are those of the file change that it is about. */
export function askedRequestOf(
  { method, params }: { readonly method: string; readonly params: Fields },
  changes: readonly FileChangeFact[],
  { show, paths }: Visibility,
): AskedRequest {
  const fields = fieldsOf(kindOf(method)?.describe?.(params as never, undefined));
  const reason = textOf(fields["reason"]) ?? null;
  const asking = {
    server: textOf(fields["serverName"]) ?? "",
    message: textOf(fields["message"]) ?? "",
  };
  switch (fields["type"]) {
    case "command": {
      const host = textOf(fieldsOf(fields["networkApprovalContext"])["host"]);
      return {
        kind: "command",
        command: textOf(fields["command"]) ?? null,
        ...cwdOf(fields, paths),
        reason,
        ...(host === undefined ? {} : { host }),
      };
    }
    case "fileChange":
      return { kind: "fileChange", changes, reason };
    case "permissions":
      return {
        kind: "permissions",
        reason,
        permissions: permissionsOf(fieldsOf(fields["permissions"]), paths),
      };
    case "userInput":
      return { kind: "questions", questions: listOf(fields["questions"]).map(questionOf) };
    case "form":
      return { kind: "form", ...asking, schema: shallow(fields["requestedSchema"]) };
    case "url":
      return { kind: "url", ...asking, url: textOf(fields["url"]) ?? "" };
    case "toolApproval":
      return {
        kind: "toolApproval",
        ...asking,
        tool: textOf(fields["toolName"]) ?? null,
        arguments: show.toolArguments ? shallow(fields["toolArguments"]) : null,
      };
    default:
      return { kind: "other", method };
  }
}

function questionOf(value: unknown): AskedQuestion {
  const { id, header, question, isSecret, isOther, options } = fieldsOf(value);
  return {
    id: textOf(id) ?? "",
    header: textOf(header) ?? "",
    question: textOf(question) ?? "",
    secret: isSecret === true,
    free: isOther === true || listOf(options).length === 0,
    options: listOf(options).map((each) => {
      const { label, description } = fieldsOf(each);
      return { label: textOf(label) ?? "", description: textOf(description) ?? "" };
    }),
  };
}

/** What is asked for must not look like less than it is: what is not known here is named, too. */
function permissionsOf(profile: Fields, paths: VisiblePaths): string[] {
  return Object.entries(profile).flatMap(([name, asked]) => {
    if (asked === null) return [];
    const fields = fieldsOf(asked);
    if (name === "network") return fields["enabled"] === false ? [] : ["network"];
    return name === "fileSystem" ? fileSystemPermissions(fields, paths) : [name];
  });
}

function fileSystemPermissions({ read, write, entries }: Fields, paths: VisiblePaths): string[] {
  return [
    ...textsOf(read).map((path) => `read ${paths.show(path)}`),
    ...textsOf(write).map((path) => `write ${paths.show(path)}`),
    ...listOf(entries).map((entry) => {
      const { access, path } = fieldsOf(entry);
      const { path: place, pattern, value } = fieldsOf(path);
      const written = textOf(place) ?? textOf(pattern);
      const special = textOf(value) ?? textOf(fieldsOf(value)["kind"]) ?? "special places";
      return `${textOf(access) ?? "use"} ${written === undefined ? special : paths.show(written)}`;
    }),
  ];
}
