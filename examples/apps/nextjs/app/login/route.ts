import { users } from "../../lib/users";

/** The address that the server prints: it puts the token into a cookie, and out of the address. */
export function GET(request: Request): Response {
  const token = new URL(request.url).searchParams.get("token") ?? "";
  if (!users.has(token)) {
    return new Response("Open the address that the server has printed.", { status: 401 });
  }
  const cookie = `token=${token}; HttpOnly; SameSite=Strict; Path=/`;
  return new Response(null, { status: 303, headers: { location: "/", "set-cookie": cookie } });
}
