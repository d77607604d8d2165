import { chat } from "../../../lib/chat";

export const GET = (request: Request) => chat()(request);
export const POST = GET;
