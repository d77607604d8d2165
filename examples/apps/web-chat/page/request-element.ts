import type { AskedRequest } from "codex-app-server-sdk/browser";
import type { Answer } from "./api.js";
import { diffElement } from "./diff.js";
import { element } from "./element.js";

type Reply = Omit<Answer, "key">;

/**
 * Something that the agent asks, with the buttons that answer it. `reply` sends the answer; when that fails,
 * the buttons come back. `asker` names the sub-agent that asks.
 */
export function requestElement(
  request: AskedRequest,
  reply: (answer: Reply) => Promise<void>,
  asker?: string,
): HTMLElement {
  const form = element("form");
  const whose = asker === undefined ? undefined : element("p", { className: "note" }, asker);
  const card = element("section", { className: "request" }, whose, ...headOf(request), form);
  card.setAttribute("aria-label", `${asker ?? "The agent"} asks`);
  const fields = fieldsOf(request);
  const actions = element("div", { className: "actions" });
  const answerWith = (answer: Reply): void => {
    for (const button of actions.querySelectorAll("button")) button.disabled = true;
    reply(answer).catch(() => {
      for (const button of actions.querySelectorAll("button")) button.disabled = false;
    });
  };
  const accept = element("button", { type: "submit" }, acceptLabel(request));
  const decline = element("button", { type: "button", className: "quiet" }, "Decline");
  decline.onclick = () => {
    answerWith({ decision: "decline" });
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    answerWith({ decision: "accept", ...fields.values() });
  };
  actions.append(...(request.kind === "other" ? [decline] : [accept, decline]));
  form.append(...fields.elements, actions);
  return card;
}

function acceptLabel({ kind }: AskedRequest): string {
  return kind === "questions" || kind === "form" ? "Answer" : kind === "url" ? "Done" : "Allow";
}

function headOf(request: AskedRequest): HTMLElement[] {
  const title = (text: string): HTMLElement => element("h2", {}, text);
  const reason = (text: string | null): HTMLElement[] => (text ? [element("p", {}, text)] : []);
  switch (request.kind) {
    case "command":
      return [
        title(request.host ? `Connect to ${request.host}?` : "Run this command?"),
        ...reason(request.reason),
        ...(request.command ? [element("pre", { tabIndex: 0 }, request.command)] : []),
      ];
    case "fileChange":
      return [
        title("Change these files?"),
        ...reason(request.reason),
        ...request.changes.flatMap(({ path, diff }) => [
          element("p", {}, element("code", {}, path)),
          diffElement(diff),
        ]),
      ];
    case "permissions":
      return [
        title("Give the agent these permissions?"),
        ...reason(request.reason),
        element("ul", {}, ...request.permissions.map((each) => element("li", {}, each))),
      ];
    case "questions":
      return [title("The agent has a question")];
    case "toolApproval":
      return [
        title(`Use ${request.tool ?? "a tool"} of ${request.server}?`),
        element("p", {}, request.message),
        element("pre", { tabIndex: 0 }, JSON.stringify(request.arguments, null, 2) ?? ""),
      ];
    case "url":
      return [
        title(request.server),
        element("p", {}, request.message),
        element("p", {}, linkTo(request.url)),
      ];
    case "form":
      return [title(request.server), element("p", {}, request.message)];
    default:
      return [title("The agent asks for something that this page cannot show.")];
  }
}

function linkTo(url: string): HTMLElement | string {
  if (!/^https?:/i.test(url)) return url;
  return element("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, url);
}

interface Fields {
  readonly elements: readonly HTMLElement[];
  readonly values: () => Pick<Reply, "answers" | "content">;
}

function fieldsOf(request: AskedRequest): Fields {
  if (request.kind === "questions") return questionFields(request.questions);
  if (request.kind === "form") return formFields(request.schema);
  return { elements: [], values: () => ({}) };
}

type Questions = Extract<AskedRequest, { kind: "questions" }>["questions"];

function questionFields(questions: Questions): Fields {
  const sets = questions.map(({ id, header, question, options, free, secret }) => {
    const legend = element("legend", {}, header ? `${header}: ` : "", question);
    const choices = options.map(({ label, description }) => {
      const input = element("input", { type: "radio", name: id, value: label });
      return element("label", {}, input, ` ${label}`, description ? `: ${description}` : "");
    });
    const other = element("input", { type: secret ? "password" : "text", autocomplete: "off" });
    other.setAttribute("aria-label", question);
    const set = element("fieldset", {}, legend, ...choices);
    if (free || options.length === 0) set.append(other);
    const answer = (): string =>
      other.value || (set.querySelector<HTMLInputElement>("input:checked")?.value ?? "");
    return { id, set, answer };
  });
  return {
    elements: sets.map(({ set }) => set),
    values: () => {
      const given = sets.map(({ id, answer }) => [id, answer()] as const);
      return { answers: Object.fromEntries(given.filter(([, text]) => text !== "")) };
    },
  };
}

interface FieldSchema {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
}

/** The forms of MCP servers are flat: texts, numbers, yes or no, and choices. */
function formFields(schema: unknown): Fields {
  const { properties = {}, required = [] } = (schema ?? {}) as {
    properties?: Record<string, FieldSchema>;
    required?: readonly string[];
  };
  const inputs = Object.entries(properties).map(([name, field]) => {
    const input = inputFor(field);
    input.required = required.includes(name) && field.type !== "boolean";
    const label = element("label", {}, `${field.title ?? name} `, input);
    if (field.description) label.append(element("small", {}, field.description));
    return { name, field, input, label };
  });
  return {
    elements: inputs.map(({ label }) => label),
    values: () => ({
      content: Object.fromEntries(
        inputs
          .filter(({ input, field }) => field.type === "boolean" || input.value !== "")
          .map(({ name, field, input }) => [name, valueOf(field, input)]),
      ),
    }),
  };
}

function inputFor(field: FieldSchema): HTMLInputElement | HTMLSelectElement {
  if (field.enum) {
    const options = field.enum.map((value) => element("option", { value }, value));
    return element("select", {}, ...options);
  }
  const types: Record<string, string> = {
    number: "number",
    integer: "number",
    boolean: "checkbox",
  };
  const input = element("input", { type: types[field.type ?? ""] ?? "text" });
  if (field.type === "number") input.step = "any";
  return input;
}

function valueOf(
  { type }: FieldSchema,
  input: HTMLInputElement | HTMLSelectElement,
): string | number | boolean {
  if (type === "boolean") return (input as HTMLInputElement).checked;
  return type === "number" || type === "integer" ? Number(input.value) : input.value;
}
