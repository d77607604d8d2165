import { afterEach, describe, expect, test } from "@jest/globals";
import { chmod, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  AppServerClient,
  Codex,
  defineTool,
  ProtocolError,
  isAppServerError,
  type AppServerClientOptions,
  type ConnectOptions,
  type Thread,
} from "../../lib/index.js";
import { recordingLogger } from "../contract/recording-logger.js";
import {
  linked,
  linkedThread,
  later,
  ResponseError,
  type LinkedServer,
} from "../support/linked-server.js";
import { rejection } from "../support/real.js";
import { startScripted } from "../support/scripted-server.js";
import { makeTempDir } from "../support/temp-dir.js";
import { turnCompleted, turnMessages } from "../support/turn-messages.js";
import { Canaries, everythingShownOf } from "./canaries.js";

const canaries = new Canaries();
const logger = recordingLogger();

afterEach(() => {
  expect(canaries.in(logger.lines.join("\n"))).toEqual([]);
});

/** The failure, in which no secret must be found, however it is looked at. */
async function cleanFailure(failing: Promise<unknown>): Promise<Error> {
  const error = await rejection(failing);
  expect(canaries.in(everythingShownOf(error))).toEqual([]);
  return error;
}

async function cleanThrow(act: () => unknown): Promise<Error> {
  return cleanFailure(
    (async () => {
      await act();
    })(),
  );
}

const env = () => ({ OPENAI_API_KEY: canaries.of("environment"), EMPTY: "" });

describe("a start that fails shows no secret", () => {
  const secretConfig = () => ({
    model_providers: { own: { http_headers: { Authorization: canaries.of("config") } } },
  });

  async function fails(options: AppServerClientOptions, ...codes: string[]): Promise<void> {
    const all = { env: env(), config: secretConfig(), logger, ...options };
    const error = await cleanFailure(AppServerClient.start(all));
    expect(isAppServerError(error) && codes).toContain((error as { code?: unknown }).code);
    await cleanThrow(() => new Codex(all).startThread());
  }

  test("for lack of a program, or of rights, or of a directory", async () => {
    await using directory = await makeTempDir();
    const file = path.join(directory.path, "codex");
    await writeFile(file, "#!/no/such/interpreter\n");
    await fails({ codexPath: path.join(directory.path, "missing") }, "BINARY_NOT_FOUND");
    await fails({ codexPath: file }, "SPAWN_FAILED", "INVALID_ARGUMENT");
    await chmod(file, 0o700);
    await fails({ codexPath: file }, "SPAWN_FAILED", "INVALID_ARGUMENT");
    await fails({ cwd: path.join(directory.path, "gone") }, "SPAWN_FAILED", "INVALID_ARGUMENT");
  });

  test("because there is too much of it", async () => {
    const config = { ...secretConfig(), padding: "x".repeat(4 * 1_048_576) };
    await fails({ config }, "SPAWN_FAILED");
  });

  test("because TOML cannot say it", async () => {
    const secret = canaries.of("config");
    const impossible = [null, NaN, () => secret, Symbol(secret), new Date(), `${secret}\ud800`];
    for (const value of impossible) {
      const config = { a: { secret, b: [{ [`c.d`]: value }] } };
      await fails({ config: config as never }, "INVALID_ARGUMENT");
    }
    const cycle: Record<string, unknown> = { secret };
    cycle["self"] = cycle;
    await fails({ config: { cycle } as never }, "INVALID_ARGUMENT");
  });

  test("because an option is wrong", async () => {
    const secret = canaries.of("option");
    const wrong: Record<string, unknown>[] = [
      { env: { A: { secret } } },
      { env: secret },
      { clientInfo: { name: `${secret}é`, version: "1" } },
      { clientInfo: { name: "x", version: { secret } } },
      { requestTimeoutMs: secret },
      { maxInFlight: secret },
      { onApproval: secret },
      { onUserInput: secret },
      { handlers: { "item/tool/call": secret } },
      { optOutNotificationMethods: secret },
      { retryOnOverload: { retries: secret } },
      { signal: secret },
      { config: secret },
    ];
    for (const options of wrong) await fails(options, "INVALID_ARGUMENT");
  });

  test("because the process ends, says nothing, or refuses", async () => {
    const refusal = {
      code: -32_600,
      message: `Invalid request: invalid type: string "${canaries.of("environment")}", expected a map`,
    };
    for (const steps of [[{ exit: 3 }], [], [{ refuse: refusal }]]) {
      const start = startScripted(
        { on: { initialize: steps } },
        { env: env(), logger, startTimeoutMs: 1_500 },
      );
      const error = await cleanFailure(start);
      expect(isAppServerError(error) && error.code).toBe("HANDSHAKE_FAILED");
    }
  });

  test("because the process dies quoting its settings, which only stderrTail repeats", async () => {
    const said = `Error: invalid type: string "${canaries.of("config")}", expected a boolean\n`;
    const script = { on: { initialize: [{ stderr: said }, { exit: 1 }] } };
    const error = await cleanFailure(startScripted(script, { logger }));
    expect(error.message).toContain("invalid type: string, expected a boolean");
    // What is asked for by name is given as it is: it is the server's own text.
    expect((error as unknown as { stderrTail: string }).stderrTail).toContain(said.trim());
  });
});

describe("a connection that is not made shows no secret", () => {
  test("be it in the address, a token or a header", async () => {
    const secret = canaries.of("token");
    const nobody = "ws://127.0.0.1:9";
    const attempts: [string, ConnectOptions][] = [
      [nobody, { token: secret, headers: { "x-key": secret } }],
      [`${nobody}/?token=${secret}`, {}],
      [`ws://user:${secret}@127.0.0.1:9`, {}],
      ["ws://192.0.2.1:9", { token: secret }],
      [nobody, { token: `${secret}\n` }],
      [nobody, { token: () => Promise.reject(new Error("no token today")) }],
      [nobody, { headers: { authorization: secret } }],
      [nobody, { headers: { "x-key": `${secret}\n` } }],
      [`unix:///no/such/socket`, { token: secret }],
    ];
    for (const [url, options] of attempts) {
      await cleanFailure(AppServerClient.connect(url, { logger, ...options }));
    }
  });
});

describe("a request that fails shows no secret", () => {
  const params = () => ({ command: ["true"], env: { KEY: canaries.of("param") } });

  /** How the server's decoder quotes what does not fit. */
  const quoting = (secret: string) => [
    `Invalid request: invalid type: string "${secret}", expected a map`,
    `Invalid request: invalid value: string "${secret}", expected one of a, b`,
    `Invalid request: unknown variant \`${secret}\`, expected one of \`a\`, \`b\``,
    `Model provider \`${secret}\` not found`,
    `unexpected status 401 Unauthorized: nope; body={"key":"${secret}"}`,
  ];

  test("whatever the refusal says of it", async () => {
    await using pair = await linked({ logger });
    for (const code of [-32_700, -32_600, -32_601, -32_602, -32_603, -32_000, 7]) {
      for (const message of quoting(canaries.of("param"))) {
        pair.server.handle("command/exec", () => {
          throw new ResponseError(code, message, { quoted: message });
        });
        const error = await cleanFailure(pair.client.request("command/exec", params()));
        expect(error).toMatchObject({ rpcCode: code, data: { quoted: message } });
      }
    }
  });

  test("when its answer is malformed, late, or never comes", async () => {
    await using pair = await linked({ logger });
    pair.server.handle("command/exec", () => later);
    await cleanFailure(pair.client.request("command/exec", params(), { timeoutMs: 20 }));
    const signal = AbortSignal.abort(new Error("enough"));
    await cleanFailure(pair.client.request("command/exec", params(), { signal }));
    for (const message of quoting(canaries.of("param"))) {
      pair.server.handle("command/exec", (_params, { id }) => {
        pair.server.send({ id, error: { message } });
        return later;
      });
      const error = await cleanFailure(pair.client.request("command/exec", params()));
      expect(error).toBeInstanceOf(ProtocolError);
    }
  });

  test("when it cannot be written", async () => {
    await using pair = await linked({ logger, maxMessageBytes: 65_536 });
    const secret = canaries.of("param");
    const cycle: Record<string, unknown> = { secret };
    cycle["self"] = cycle;
    const impossible: unknown[] = [
      cycle,
      { n: 1n, secret },
      secret,
      { secret, big: "x".repeat(70_000) },
    ];
    for (const each of impossible) {
      await cleanFailure(pair.client.request("command/exec", each as never));
    }
  });

  test("when the server is overloaded, or the connection ends", async () => {
    await using pair = await linked({
      logger,
      retryOnOverload: { retries: 1, minTimeoutMs: 1 },
    });
    pair.server.handle("command/exec", () => {
      throw new ResponseError(-32_001, "Server overloaded; retry later.");
    });
    await cleanFailure(pair.client.request("command/exec", params()));
    pair.server.handle("command/exec", () => later);
    const waiting = pair.client.request("command/exec", params());
    await pair.server.nextRequest("command/exec");
    pair.server.crash({ exitCode: 9, stderr: quoting(canaries.of("param")).join("\n") });
    await cleanFailure(waiting);
  });

  test("when it is a login", async () => {
    const key = canaries.of("api key");
    const codex = { apiKey: key };
    for (const message of quoting(key)) {
      await using pair = await linked({ logger });
      pair.server.handle("account/login/start", () => {
        throw new ResponseError(-32_600, message);
      });
      await cleanFailure(pair.client.login.apiKey(codex.apiKey));
    }
    await using pair = await linked({ logger });
    pair.server.handle("account/login/start", () => later);
    await cleanFailure(pair.client.login.apiKey(key, { timeoutMs: 20 }));
  });
});

describe("a turn that goes wrong shows neither the prompt nor the answer", () => {
  const ids = { threadId: "thread-1", turnId: "turn-1" };
  const prompt = () => canaries.of("prompt");

  async function fails(thread: Thread, server: LinkedServer, end: () => void, options = {}) {
    const turn = thread.turn(prompt(), options);
    await turn.started;
    const content = [{ type: "text", text: prompt(), text_elements: [] }];
    server.notify("item/completed", { ...ids, item: { type: "userMessage", id: "u", content } });
    const [started, ...rest] = turnMessages({ ...ids, text: canaries.of("answer") });
    server.send(...(started ? [started] : []), ...rest.slice(0, -1));
    end();
    return cleanFailure(turn.run());
  }

  test("when it failed", async () => {
    await using pair = await linkedThread({ logger });
    const { server, thread } = pair;
    const error = { message: "the model failed", codexErrorInfo: "other", additionalDetails: null };
    const failure = await fails(thread, server, () => {
      server.send(turnCompleted(ids, { status: "failed", error }));
    });
    // It is there for whoever asks for it.
    expect(failure).toMatchObject({
      result: { finalResponse: canaries.of("answer"), items: [{ type: "userMessage" }, {}] },
    });
  });

  test("when it was too slow, or its answer is not what was asked for", async () => {
    await using pair = await linkedThread({ logger });
    const { server, thread } = pair;
    server.handle("turn/interrupt", () => {
      server.send(turnCompleted(ids, { status: "interrupted" }));
      return {};
    });
    await fails(thread, server, () => undefined, { timeoutMs: 300 });
    await using other = await linkedThread({ logger });
    const outputSchema = { type: "object", properties: {}, additionalProperties: false };
    await fails(
      other.thread,
      other.server,
      () => {
        other.server.send(turnCompleted(ids));
      },
      { outputSchema },
    );
  });

  test("when the process ends, or the input is impossible", async () => {
    await using pair = await linkedThread({ logger });
    await cleanThrow(() =>
      pair.thread.turn([{ type: "text", text: 5, prompt: prompt() }] as never),
    );
    await cleanThrow(() => pair.thread.turn(prompt(), { sandbox: prompt() as never }));
    await cleanThrow(() => pair.thread.turn(prompt(), { whenBusy: prompt() as never }));
    await cleanThrow(() => pair.thread.turn(prompt(), { outputSchema: prompt() as never }).run());
    await fails(pair.thread, pair.server, () => {
      pair.server.crash({ exitCode: 1, stderr: "bye" });
    });
  });
});

describe("what handlers and tools do with secrets is not logged", () => {
  const ids = { threadId: "thread-1", turnId: "turn-1", itemId: "item" };

  /** Lets the server ask, and waits for the answer. */
  async function answerTo(
    server: LinkedServer,
    client: AppServerClient,
    method: string,
    params: object,
  ) {
    server.send({ id: method, method, params: { ...ids, ...params } });
    await client.request("account/read", {});
  }

  test("when they throw, or answer something else than they should", async () => {
    const secret = canaries.of("handler");
    const answers: (() => unknown)[] = [
      () => {
        throw new Error(secret);
      },
      () => Promise.reject(new Error(secret)),
      () => secret,
      () => ({ action: "accept", content: { password: secret, cycle: [() => secret] }, odd: 1n }),
    ];
    for (const answer of answers) {
      const handler = answer as never;
      await using pair = await linkedThread({
        logger,
        onApproval: handler,
        onElicitation: handler,
        onUserInput: handler,
      });
      const { server, client } = pair;
      await answerTo(server, client, "item/commandExecution/requestApproval", { command: secret });
      await answerTo(server, client, "mcpServer/elicitation/request", {
        mode: "form",
        message: secret,
      });
      await answerTo(server, client, "item/tool/requestUserInput", { questions: [] });
      await answerTo(server, client, "no/such/method", { secret });
      client.on("warning", () => {
        throw new Error(secret);
      });
      server.notify("warning", { message: secret });
      await client.request("account/read", {});
    }
    expect(logger.lines.join("\n")).toContain("was refused");
  });

  test("when the answer comes by respond(), and is none", async () => {
    const secret = canaries.of("answer to a question");
    await using pair = await linkedThread({
      logger,
      onElicitation: () => new Promise(() => undefined),
    });
    await answerTo(pair.server, pair.client, "mcpServer/elicitation/request", {
      mode: "form",
      message: "?",
    });
    const [open] = pair.client.pendingRequests();
    await cleanThrow(() => {
      pair.client.respond(open?.key ?? "", { action: "yes", content: { secret } });
    });
    await cleanThrow(() => {
      pair.client.respond("no such key", { action: "accept", content: { secret } });
    });
  });

  test("when a tool fails: only the model is told", async () => {
    const secret = canaries.of("tool");
    await using pair = await linked({ logger });
    const input = { type: "object", properties: { a: { type: "number" } } } as const;
    const tool = defineTool({
      name: "failing",
      description: "Fails",
      input,
      execute: () => {
        throw new Error(secret);
      },
    });
    await pair.client.startThread({ tools: [tool] });
    for (const args of [{}, { a: secret }]) {
      await answerTo(pair.server, pair.client, "item/tool/call", {
        callId: "c",
        tool: "failing",
        arguments: args,
      });
    }
    expect(logger.lines.filter((line) => line.includes("failing"))).toEqual([]);
  });

  test("when the server's methods are no names, or its lines no messages", async () => {
    const secret = canaries.of("line");
    await using pair = await linked({ logger });
    pair.server.send({ id: 1, method: `${secret}\u001b[31m\n`, params: {} });
    pair.server.send({ method: secret, id: { secret } }, [secret] as never);
    await pair.client.request("account/read", {});
    expect(logger.lines).toContainEqual(
      expect.stringContaining("a request with an odd name was refused"),
    );
  });
});
