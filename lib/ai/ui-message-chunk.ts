/**
 * A chunk of the AI SDK's UI message stream (protocol v1), as far as a turn needs them. They are written down
 * here, so that an application needs no package for its types.
 */
export type UIMessageChunk =
  | { readonly type: "start"; readonly messageId?: string; readonly messageMetadata?: unknown }
  | { readonly type: "start-step" | "finish-step" }
  | { readonly type: "text-start"; readonly id: string; readonly providerMetadata?: ChunkMetadata }
  | { readonly type: "text-end"; readonly id: string; readonly providerMetadata?: ChunkMetadata }
  | { readonly type: "text-delta" | "reasoning-delta"; readonly id: string; readonly delta: string }
  | { readonly type: "reasoning-start" | "reasoning-end"; readonly id: string }
  | {
      readonly type: "tool-input-available";
      readonly toolCallId: string;
      readonly toolName: string;
      readonly input: unknown;
      readonly dynamic: true;
      readonly providerExecuted: true;
    }
  | {
      readonly type: "tool-approval-request";
      readonly approvalId: string;
      readonly toolCallId: string;
    }
  | {
      readonly type: "tool-output-available";
      readonly toolCallId: string;
      readonly output: unknown;
      readonly dynamic: true;
      readonly providerExecuted: true;
      readonly preliminary?: true;
    }
  | {
      readonly type: "tool-output-error";
      readonly toolCallId: string;
      readonly errorText: string;
      readonly dynamic: true;
      readonly providerExecuted: true;
    }
  | { readonly type: "tool-output-denied"; readonly toolCallId: string }
  | { readonly type: "message-metadata"; readonly messageMetadata: unknown }
  | {
      readonly type: `data-${string}`;
      readonly id?: string;
      readonly data: unknown;
      readonly transient?: true;
    }
  | { readonly type: "error"; readonly errorText: string }
  | { readonly type: "abort" }
  | {
      readonly type: "finish";
      readonly finishReason: "stop" | "error" | "tool-calls";
      readonly messageMetadata?: unknown;
    };

/** What is known of a text besides its words: its `phase`, whether it was `cut`, or taken back (`reset`). */
export type ChunkMetadata = Readonly<
  Record<"codex", Readonly<Record<string, string | boolean | null>>>
>;
