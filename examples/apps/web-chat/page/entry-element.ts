import type { ViewEntry } from "codex-app-server-sdk/browser";
import type { Answer } from "./api.js";
import { diffElement } from "./diff.js";
import { element } from "./element.js";
import { showMarkdown } from "./markdown.js";
import { requestElement } from "./request-element.js";

type Reply = (answer: Answer) => Promise<void>;
type Of<Type extends ViewEntry["type"]> = Extract<ViewEntry, { type: Type }>;

/** One entry of a turn's view on the page. `show` is called whenever the entry has changed. */
export interface EntryElement {
  readonly element: HTMLElement;
  show(entry: ViewEntry): void;
}

/** Makes the element for an entry, and shows the entry in it. `asker` names the sub-agent that asks. */
export function entryElement(entry: ViewEntry, reply: Reply, asker?: string): EntryElement {
  const made = makers[entry.type]?.(entry as never, reply, asker) ?? fixed("");
  made.show(entry);
  return made;
}

const makers: Record<string, (entry: never, reply: Reply, asker?: string) => EntryElement> = {
  "user-message": ({ text }: Of<"user-message">) => ({
    element: element("p", { className: "user" }, text),
    show: () => undefined,
  }),
  message: messageElement,
  reasoning: reasoningElement,
  tool: toolElement,
  request: ({ id, request }: Of<"request">, reply, asker) => {
    const card = requestElement(request, (answer) => reply({ key: id, ...answer }), asker);
    return {
      element: card,
      show: (entry) => {
        card.hidden = (entry as Of<"request">).outcome !== null;
      },
    };
  },
  warning: ({ message }: Of<"warning">) => fixed(message),
  compaction: () => fixed("The conversation was summarised, to make room."),
};

function fixed(text: string): EntryElement {
  const note = element("p", { className: "note", hidden: text === "" }, text);
  return { element: note, show: () => undefined };
}

function messageElement(): EntryElement {
  const box = element("div");
  return {
    element: box,
    show: (entry) => {
      const { text, phase, state } = entry as Of<"message">;
      box.className = `message ${phase === "commentary" ? "commentary" : ""}`;
      box.setAttribute("aria-busy", String(state === "open"));
      showMarkdown(box, text);
    },
  };
}

function reasoningElement(): EntryElement {
  const body = element("div", { className: "body message" });
  const summary = element("summary");
  const details = element("details", { hidden: true }, summary, body);
  return {
    element: details,
    show: (entry) => {
      const { sections, open } = entry as Of<"reasoning">;
      details.hidden = sections.length === 0;
      summary.textContent = open ? "Thinking" : "Thoughts";
      showMarkdown(body, sections.join("\n\n"));
    },
  };
}

function toolElement(): EntryElement {
  const name = element("code");
  const badge = element("span");
  const body = element("div", { className: "body" });
  const output = element("pre", { tabIndex: 0 });
  const details = element("details", {}, element("summary", {}, name, badge), body);
  let shownTool: unknown;
  return {
    element: details,
    show: (entry) => {
      const { tool, status, output: text, exitCode, error, progress } = entry as Of<"tool">;
      if (tool !== shownTool) {
        shownTool = tool;
        name.textContent = titleOf(tool);
        body.replaceChildren(...detailsOf(tool), output);
      }
      const code = exitCode === undefined || exitCode === 0 ? "" : ` (${exitCode})`;
      badgeOf(badge, status, code);
      output.textContent = [text, progress, error].filter(Boolean).join("\n");
      output.hidden = output.textContent === "";
      // What grows scrolls with it.
      if (status === "running") output.scrollTop = output.scrollHeight;
    },
  };
}

/** Says in a badge how far something is. */
export function badgeOf(badge: HTMLElement, status: string, detail = ""): void {
  badge.textContent = `${statusWords[status] ?? status}${detail}`;
  badge.className = `badge ${status}`;
}

const statusWords: Record<string, string> = {
  running: "runs",
  waiting: "asks",
  lost: "lost",
  completed: "done",
  failed: "failed",
  declined: "declined",
  interrupted: "stopped",
};

type ToolCall = Of<"tool">["tool"];

function titleOf(tool: ToolCall): string {
  switch (tool.kind) {
    case "command":
      return tool.command;
    case "fileChange":
      return tool.changes.map(({ path, change }) => `${change} ${path}`).join(", ") || "files";
    case "mcp":
      return `${tool.server} ${tool.tool}`;
    case "function":
      return tool.tool;
    case "webSearch":
      return `search ${tool.query}`;
    case "subagent":
      return `agent: ${tool.prompt ?? tool.action}`;
    default:
      return tool.kind;
  }
}

function detailsOf(tool: ToolCall): HTMLElement[] {
  if (tool.kind === "fileChange") return tool.changes.map(({ diff }) => diffElement(diff));
  if (tool.kind !== "mcp" && tool.kind !== "function") return [];
  return [element("pre", { tabIndex: 0 }, JSON.stringify(tool.arguments, null, 2) ?? "")];
}
