/** Next runs it once, when the server starts. */
export async function register(): Promise<void> {
  if (process.env["NEXT_RUNTIME"] !== "nodejs") return;
  const { users } = await import("./lib/users");
  const origin = `http://localhost:${process.env["PORT"] ?? "3000"}`;
  for (const [token, name] of users) console.log(`${name}: ${origin}/login?token=${token}`);
}
