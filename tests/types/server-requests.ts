/** Compile-time checks of the server's requests and their handlers; nothing here runs. */
import {
  approve,
  defer,
  type AppServerClient,
  type ApprovalDecision,
  type ApprovalRequest,
  type Codex,
  type CommandDecision,
  type ElicitationRequest,
  type FileChangeDecision,
  type PendingRequest,
  type PermissionsDecision,
  type RequestHandlers,
  type Thread,
  type TurnEvent,
  type TurnRequestEvent,
  type TurnRequestMethod,
} from "../../lib/index.js";

type Same<One, Other> = [One, Other] extends [Other, One] ? true : false;
type Hold<Checks extends true[]> = Checks;
type Not<Check extends boolean> = Check extends true ? false : true;

/** Each type of approval has decisions of its own. */
export type DecisionsFit = Hold<
  [
    Same<Exclude<ApprovalRequest["type"], "command" | "fileChange" | "permissions">, never>,
    "cancel" extends CommandDecision ? true : false,
    "cancel" extends FileChangeDecision ? true : false,
    Not<"cancel" extends PermissionsDecision ? true : false>,
    ReturnType<typeof approve.execPolicy> extends CommandDecision ? true : false,
    Not<ReturnType<typeof approve.execPolicy> extends FileChangeDecision ? true : false>,
    ReturnType<typeof approve.permissions> extends PermissionsDecision ? true : false,
    Not<string extends ApprovalDecision ? true : false>,
  ]
>;

/** What a handler defers is not anything else. */
export type DeferringIsNoAnswer = Hold<
  [
    Not<ReturnType<typeof defer> extends ApprovalDecision ? true : false>,
    Not<"accept" extends ReturnType<typeof defer> ? true : false>,
    Not<object extends ReturnType<typeof defer> ? true : false>,
  ]
>;

/** The requests that name a turn are events of turns. */
export type RequestsAreEvents = Hold<
  [
    Same<
      Extract<
        TurnRequestMethod,
        | "account/chatgptAuthTokens/refresh"
        | "attestation/generate"
        | "currentTime/read"
        | "applyPatchApproval"
        | "execCommandApproval"
      >,
      never
    >,


      | "item/commandExecution/requestApproval"
      | "item/fileChange/requestApproval"
      | "item/permissions/requestApproval"
      | "item/tool/call"
      | "item/tool/requestUserInput"
      | "mcpServer/elicitation/request" extends TurnRequestMethod
      ? true
      : false,
    TurnRequestEvent extends TurnEvent ? true : false,
    "serverRequest/resolved" extends TurnEvent["method"] ? true : false,
  ]
>;

export async function handlersAreTyped(codex: Codex, client: AppServerClient, thread: Thread) {
  const handlers: RequestHandlers = {
    onApproval: (request) => {
      switch (request.type) {
        case "command":
          return request.availableDecisions?.[0] ?? approve.execPolicy([request.command ?? ""]);
        case "fileChange":
          return request.changes?.some(({ diff }) => diff === "") === true ? "cancel" : "accept";
        case "permissions":
          return approve.permissions(request.permissions, { scope: "session" });
      }
    },
    onUserInput: ({ questions }) =>
      Object.fromEntries(questions.map(({ id, options }) => [id, options?.[0]?.label ?? ""])),
    onElicitation: (request) => {
      if (request.type === "toolApproval") return approve.tool({ persist: "session" });
      return request.type === "url" ? (request.url === "" ? "cancel" : defer()) : "decline";
    },
    onCurrentTime: async () => Promise.resolve(new Date()),
    handlers: {
      "item/tool/call": ({ tool }, { signal }) => ({
        contentItems: [{ type: "inputText", text: tool }],
        success: !signal.aborted,
      }),
    },
  };
  await codex.startThread({ model: "m", ...handlers });
  await codex.resumeThread("id", handlers);
  codex.thread("id", handlers);
  thread.turn("Hi", handlers);

  thread.turn("Hi", { onApproval: { fileChange: () => "accept", command: "decline" } });
  // @ts-expect-error a file change cannot amend the policy for commands
  thread.turn("Hi", { onApproval: { fileChange: () => approve.execPolicy(["ls"]) } });
  // @ts-expect-error permissions cannot be cancelled
  thread.turn("Hi", { onApproval: { permissions: () => "cancel" } });
  // @ts-expect-error there is no such decision
  thread.turn("Hi", { onApproval: () => "yes" });
  // @ts-expect-error cancelling everything is not a preset
  thread.turn("Hi", { onApproval: "cancel" });
  // @ts-expect-error it is about no thread
  thread.turn("Hi", { onAttestation: () => "token" });
  // @ts-expect-error so is this, by its method
  thread.turn("Hi", { handlers: { "attestation/generate": () => ({ token: "token" }) } });

  client.handle("currentTime/read", ({ threadId }) => ({ currentTimeAt: threadId.length }));
  client.handle("item/brandNew", (params: unknown) => ({ params }));
  // @ts-expect-error the result is another
  client.handle("currentTime/read", () => ({ token: "token" }));

  for (const pending of codex.pendingRequests()) answer(codex, client, pending);
}

function answer(
  codex: Codex,
  client: AppServerClient,
  { key, requestId, request }: PendingRequest,
) {
  switch (request?.type) {
    case "command":
      codex.respond(key, request.availableDecisions?.[0] ?? "accept");
      break;
    case "userInput":
      codex.respond(key, { [request.questions[0]?.id ?? ""]: "yes" });
      break;
    case "form":
      client.respond(requestId, { action: "accept", content: { count: 1 } });
      break;
    case undefined:
      client.respond(key, { token: "token" });
      break;
    default:
      client.respond(key, { contentItems: [], success: false });
  }
  // @ts-expect-error an id of the wire may be another request's after a restart
  codex.respond(requestId, "accept");
  // @ts-expect-error there is no such decision
  codex.respond(key, "yes");
}

export function eventsNarrow(event: TurnEvent): string | number | undefined {
  switch (event.method) {
    case "item/commandExecution/requestApproval":
      return event.params.command ?? event.key;
    case "serverRequest/resolved":
      return event.params.requestId;
    default:
      return undefined;
  }
}

export function elicitationsNarrow(request: ElicitationRequest): string | undefined {
  if (request.type === "url") return request.url;
  return request.type === "toolApproval" ? request.toolName : request.mode;
}
