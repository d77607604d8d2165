import { checkChat } from "./support/check-chat.js";

checkChat("fetch", "node.ts");
checkChat("fetch", "hono.ts");
