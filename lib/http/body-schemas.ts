// Made by `tsx scripts/body-schemas/index.ts` from lib/http/bodies.ts; do not edit.

/**
 * JSON Schemas (draft-07) for the bodies of requests that come from browsers: closed, so that nothing gets in that they do
 * not name. They have no paths, directories, sandboxes, policies or configuration.
 */
export const bodySchemas = {
  TurnBody: {
    $schema: "http://json-schema.org/draft-07/schema#",
    $id: "urn:codex-app-server-sdk:schema:TurnBody",
    title: "TurnBody",
    description: "The input of a turn.",
    additionalProperties: false,
    type: "object",
    properties: {
      input: {
        anyOf: [
          {
            minItems: 1,
            maxItems: 32,
            type: "array",
            items: {
              anyOf: [{ $ref: "#/definitions/TextBody" }, { $ref: "#/definitions/ImageBody" }],
            },
          },
          { type: "string", minLength: 1, maxLength: 1048576 },
        ],
      },
    },
    required: ["input"],
    definitions: {
      TextBody: {
        description: "A piece of text.",
        additionalProperties: false,
        type: "object",
        properties: {
          type: { type: "string", const: "text" },
          text: { maxLength: 1048576, type: "string" },
        },
        required: ["text", "type"],
      },
      ImageBody: {
        description:
          "A picture within the request: a data URL. Never a path, which would read a file of the server's machine, nor a remote\naddress, which would have that machine fetch it.",
        additionalProperties: false,
        type: "object",
        properties: {
          type: { type: "string", const: "image" },
          url: {
            pattern: "^data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}$",
            maxLength: 16777216,
            type: "string",
          },
        },
        required: ["type", "url"],
      },
    },
  },
  SteerBody: {
    $schema: "http://json-schema.org/draft-07/schema#",
    $id: "urn:codex-app-server-sdk:schema:SteerBody",
    title: "SteerBody",
    description: "Input for a turn that runs.",
    additionalProperties: false,
    type: "object",
    properties: {
      input: {
        anyOf: [
          {
            minItems: 1,
            maxItems: 32,
            type: "array",
            items: {
              anyOf: [{ $ref: "#/definitions/TextBody" }, { $ref: "#/definitions/ImageBody" }],
            },
          },
          { type: "string", minLength: 1, maxLength: 1048576 },
        ],
      },
    },
    required: ["input"],
    definitions: {
      TextBody: {
        description: "A piece of text.",
        additionalProperties: false,
        type: "object",
        properties: {
          type: { type: "string", const: "text" },
          text: { maxLength: 1048576, type: "string" },
        },
        required: ["text", "type"],
      },
      ImageBody: {
        description:
          "A picture within the request: a data URL. Never a path, which would read a file of the server's machine, nor a remote\naddress, which would have that machine fetch it.",
        additionalProperties: false,
        type: "object",
        properties: {
          type: { type: "string", const: "image" },
          url: {
            pattern: "^data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}$",
            maxLength: 16777216,
            type: "string",
          },
        },
        required: ["type", "url"],
      },
    },
  },
  NewThreadBody: {
    $schema: "http://json-schema.org/draft-07/schema#",
    $id: "urn:codex-app-server-sdk:schema:NewThreadBody",
    title: "NewThreadBody",
    description: "A new conversation. `ephemeral`: it is not stored.",
    additionalProperties: false,
    type: "object",
    properties: { ephemeral: { type: "boolean" } },
  },
  ApprovalBody: {
    $schema: "http://json-schema.org/draft-07/schema#",
    $id: "urn:codex-app-server-sdk:schema:ApprovalBody",
    title: "ApprovalBody",
    description: "The answer to one approval, by the key of its request.",
    additionalProperties: false,
    type: "object",
    properties: {
      key: { minLength: 1, maxLength: 128, type: "string" },
      decision: { enum: ["accept", "cancel", "decline"], type: "string" },
    },
    required: ["decision", "key"],
  },
  SessionApprovalBody: {
    $schema: "http://json-schema.org/draft-07/schema#",
    $id: "urn:codex-app-server-sdk:schema:SessionApprovalBody",
    title: "SessionApprovalBody",
    description:
      "The same where users may also allow what is like it for as long as the thread is loaded. Use it only if they should.",
    additionalProperties: false,
    type: "object",
    properties: {
      key: { minLength: 1, maxLength: 128, type: "string" },
      decision: { enum: ["accept", "acceptForSession", "cancel", "decline"], type: "string" },
    },
    required: ["decision", "key"],
  },
  AnswersBody: {
    $schema: "http://json-schema.org/draft-07/schema#",
    $id: "urn:codex-app-server-sdk:schema:AnswersBody",
    title: "AnswersBody",
    description: "The answers to the questions of one request, by the ids of the questions.",
    additionalProperties: false,
    type: "object",
    properties: {
      key: { minLength: 1, maxLength: 128, type: "string" },
      answers: {
        type: "object",
        additionalProperties: {
          anyOf: [{ type: "array", items: { type: "string" } }, { type: "string" }],
        },
      },
    },
    required: ["answers", "key"],
  },
} as const;
