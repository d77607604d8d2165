import { checkChat } from "./support/check-chat.js";

checkChat("fastify", "server.ts");
