import {
  acceptTurn,
  agentMessage,
  textDelta,
  turnCompleted,
  turnStarted,
  turnSteps,
} from "../../support/scripted-server-messages.js";
import type { Script, Step } from "../../support/scripted-server.js";
import type { Scenario } from "../scenario.js";
import { bytes } from "../steps.js";

const MiB = 1_048_576;
const hello = { status: "completed", finalResponse: "Hello.", text: "Hello.", ends: 1 };
const hardText = 'näher \u{1F600} 漢字 \u2028 \u2029 \u0000 \\n "';

/** A turn with these steps before its message. */
function turnWith(...steps: Step[]): Script {
  const rest = turnSteps("Hello.").slice(2);
  return { on: { "turn/start": [acceptTurn(), turnStarted(), ...steps, ...rest] } };
}

/** How bytes become messages. */
export const framing: readonly Scenario[] = [
  {
    name: "Bytes split everywhere",
    server: "writes a turn one byte at a time, in the midst of characters too",
    client: "put the bytes together before it decodes them",
    script: { on: { "turn/start": [{ together: turnSteps(hardText), chunk: 1 }] } },
    expect: { outcomes: [{ status: "completed", finalResponse: hardText, text: hardText }] },
  },
  {
    name: "U+2028 and U+2029",
    server: "sends text with the line separators of Unicode, unescaped",
    client: "end lines at the byte `\\n` only",
    script: { on: { "turn/start": turnSteps("a\u2028b\u2029c") } },
    expect: { outcomes: [{ status: "completed", finalResponse: "a\u2028b\u2029c" }] },
  },
  {
    name: "CR and LF",
    server: "ends its lines as Windows does, with empty lines between",
    client: "read them",
    script: turnWith({ line: "\r" }, { line: "" }, { line: '{"method":"warning","params":{}}\r' }),
    expect: { outcomes: [hello] },
  },
  {
    name: "ANSI noise",
    server: "prints coloured log lines between its messages",
    client: "skip them, and lose no message",
    script: turnWith(
      { line: "\u001b[2m2026-01-01T00:00:00Z\u001b[0m \u001b[32m INFO\u001b[0m starting" },
      bytes("\u001b[31m\u001b[1m", "\n"),
    ),
    expect: { outcomes: [hello] },
  },
  {
    name: "JSON that is no message",
    server: "sends numbers, lists, texts, an empty object and a batch",
    client: "skip them, and lose no message",
    script: turnWith(
      ...["7", "null", "[]", "{}", '"text"', '[{"method":"turn/completed"}]', '{"id":{}}'].map(
        (line): Step => ({ line }),
      ),
    ),
    expect: { outcomes: [hello] },
  },
  {
    name: "Deep nesting",
    server: "sends a message with 100,000 lists in each other",
    client: "survive it",
    script: turnWith(
      bytes('{"method":"warning","params":', "[".repeat(100_000), "]".repeat(100_000), "}\n"),
    ),
    expect: { outcomes: [hello] },
  },
  {
    name: "Invalid UTF-8",
    server: "sends bytes that are not UTF-8, inside a message and between messages",
    client: "go on, with a replacement character in their place",
    script: {
      on: {
        "turn/start": [
          acceptTurn(),
          turnStarted(),
          bytes([0xff, 0xfe, 0xc3], "\n"),
          bytes(
            '{"method":"item/agentMessage/delta","params":{"threadId":"thread-1","turnId":"turn-1","itemId":"message-1","delta":"a',
            [0xc3, 0x28, 0xff],
            'b"}}\n',
          ),
          turnCompleted(),
        ],
      },
    },
    expect: { outcomes: [{ status: "completed", text: "a\ufffd(\ufffdb", ends: 1 }] },
  },
  {
    name: "A line of 64 MiB",
    server: "sends an item of 64 MiB in one line",
    client: "deliver it whole",
    script: {
      on: {
        "turn/start": turnSteps("").flatMap((step, at) =>
          at === 0
            ? [step, ...agentMessage({ repeatText: "0123456789abcdef", times: 4 * MiB })]
            : step,
        ),
      },
    },
    expect: {
      outcomes: [{ status: "completed", text: "0123456789… (67108864 characters)" }],
      withinMs: 30_000,
    },
  },
  {
    name: "A line over the limit",
    server: "sends a line that is longer than `maxMessageBytes`, in one chunk with others",
    client: "deliver what came before, then end with a typed error, and end the server",
    script: {
      on: {
        "turn/start": [
          acceptTurn(),
          {
            together: [
              turnStarted(),
              textDelta("Hel"),
              textDelta({ repeatText: "x", times: 70_000 }),
            ],
          },
        ],
      },
      survives: ["EOF"],
    },
    options: { maxMessageBytes: 65_536 },
    acts: [{ turn: "Hi" }, { awaitEnd: true }],
    expect: {
      outcomes: [
        { text: "Hel", error: { name: "TransportClosedError", cause: "MessageTooLargeError" } },
        { kind: "failed" },
      ],
    },
  },
  {
    name: "A line without end",
    server: "sends bytes for ever, and never a newline",
    client: "end with a typed error when the limit is reached, and end the server",
    script: {
      on: {
        "turn/start": [acceptTurn(), { repeat: 200, steps: [bytes("x".repeat(1_000))] }],
      },
      survives: ["EOF"],
    },
    options: { maxMessageBytes: 65_536 },
    acts: [{ turn: "Hi" }, { awaitEnd: true }],
    expect: {
      outcomes: [
        { error: { name: "TransportClosedError", cause: "MessageTooLargeError" } },
        { kind: "failed" },
      ],
    },
  },
  {
    name: "Half a line, then exit",
    server: "ends in the midst of a line",
    client: "deliver the whole lines, and reject with the exit code",
    script: {
      on: {
        "turn/start": [
          acceptTurn(),
          turnStarted(),
          textDelta("Hel"),
          bytes('{"method":"turn/completed","params":{"threadId":"thread-1","turn":{"id":"tu'),
          { exit: 0 },
        ],
      },
    },
    expect: {
      outcomes: [{ text: "Hel", ends: 0, error: { name: "TransportClosedError", exitCode: 0 } }],
    },
  },
  {
    name: "A last line without a newline",
    server: "ends right behind the last byte of `turn/completed`",
    client: "deliver that line as well",
    script: {
      on: {
        "turn/start": [
          ...turnSteps("Hello.").slice(0, -1),
          bytes(
            '{"method":"turn/completed","params":{"threadId":"thread-1","turn":{"id":"turn-1","items":[],"status":"completed","error":null}}}',
          ),
          { exit: 0 },
        ],
      },
    },
    expect: { outcomes: [hello] },
  },
];
