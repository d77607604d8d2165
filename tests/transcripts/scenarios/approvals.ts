import { reply } from "../../../lib/testing/index.js";
import { askAlways, decide, oneTurn } from "../moves.js";
import type { Scenario } from "../record.js";

export const approvals: readonly Scenario[] = [
  {
    name: "approval-declined",
    play: async (stage) => {
      stage.model.enqueue(reply.shell("touch marker.txt"), reply.text("I was not allowed."));
      const turn = oneTurn(stage, "Make a marker", askAlways);
      await decide(stage, "item/commandExecution/requestApproval", "decline");
      await turn;
    },
  },
  {
    name: "approval-accepted",
    play: async (stage) => {
      stage.model.enqueue(reply.shell("touch marker.txt"), reply.text("Made."));
      const turn = oneTurn(stage, "Make a marker", askAlways);
      await decide(stage, "item/commandExecution/requestApproval", "accept");
      await turn;
    },
  },
  {
    name: "approval-cancelled",
    play: async (stage) => {
      stage.model.enqueue(reply.shell("touch marker.txt"));
      const turn = oneTurn(stage, "Make a marker", askAlways);
      await decide(stage, "item/commandExecution/requestApproval", "cancel");
      await turn;
    },
  },
  {
    name: "interrupted-approval",
    play: async (stage) => {
      stage.model.enqueue(reply.shell("touch marker.txt"));
      const threadId = await stage.startThread(askAlways.thread);
      const turnId = await stage.startTurn(threadId, "Make a marker");
      await stage.seen("item/commandExecution/requestApproval");
      await stage.client.request("turn/interrupt", { threadId, turnId });
      await stage.completed(turnId);
      await stage.seen("serverRequest/resolved");
    },
  },
  {
    name: "file-change-approval",
    overrides: { sandbox: "read-only" },
    play: async (stage) => {
      stage.model.enqueue(reply.addFile("hello.txt", "hello\n"), reply.text("Written."));
      const turn = oneTurn(stage, "Write hello.txt", askAlways);
      await decide(stage, "item/fileChange/requestApproval", "accept");
      await turn;
    },
  },
  {
    name: "parallel-approvals",
    play: async (stage) => {
      stage.model.enqueue(
        [reply.shell("touch first.txt"), reply.shell("touch second.txt")],
        reply.text("One of two."),
      );
      const turn = oneTurn(stage, "Make two markers", askAlways);
      const isFor = (name: string) => (params: Record<string, unknown>) =>
        String(params.command).includes(name);
      const method = "item/commandExecution/requestApproval";
      const first = await stage.seen(method, isFor("first.txt"));
      const second = await stage.seen(method, isFor("second.txt"));
      stage.client.respond(second.id ?? "", { decision: "accept" });
      stage.client.respond(first.id ?? "", { decision: "decline" });
      await turn;
    },
  },
  {
    name: "user-input",
    overrides: { config: { features: { default_mode_request_user_input: true } } },
    play: async (stage) => {
      const options = [
        { label: "Red", description: "Like a rose" },
        { label: "Blue", description: "Like the sky" },
      ];
      stage.model.enqueue(
        reply.requestUserInput([
          { id: "colour", header: "Colour", question: "Which colour?", options },
        ]),
        reply.text("Blue it is."),
      );
      const turn = oneTurn(stage, "Ask me");
      const { id } = await stage.seen("item/tool/requestUserInput");
      stage.client.respond(id ?? "", { answers: { colour: { answers: ["Blue"] } } });
      await turn;
    },
  },
  {
    name: "permissions-request",
    overrides: {
      approvalPolicy: "on-request",
      sandbox: "read-only",
      config: { features: { request_permissions_tool: true } },
    },
    play: async (stage) => {
      stage.model.enqueue(
        reply.requestPermissions({
          reason: "To look it up",
          permissions: { network: { enabled: true } },
        }),
        reply.text("I have the network."),
      );
      const turn = oneTurn(stage, "Look it up");
      const { id, params } = await stage.seen("item/permissions/requestApproval");
      stage.client.respond(id ?? "", { permissions: params?.permissions, scope: "turn" });
      await turn;
    },
  },
];
