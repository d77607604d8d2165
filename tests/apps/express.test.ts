import { checkChat } from "./support/check-chat.js";

checkChat("express", "server.ts");
