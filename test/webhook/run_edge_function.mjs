// run_edge_function.mjs PORT POSTGREST_URL KEY: serves edge_function.ts without Deno. Prints a line when it does, and ends when its
// standard input does.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const [port, url, key] = process.argv.slice(2);
const environment = { SUPABASE_URL: url, SUPABASE_SERVICE_ROLE_KEY: key };
let handler;
globalThis.Deno = { serve: (given) => { handler = given; }, env: { get: (name) => environment[name] } };
const source = readFileSync(new URL("edge_function.ts", import.meta.url), "utf8");
await import("data:text/javascript," + encodeURIComponent(source));

const server = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const answer = await handler(
    new Request(`http://edge.internal${request.url}`, { method: "POST", headers: request.headers, body: Buffer.concat(parts) }));
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
});
server.listen(Number(port), "127.0.0.1", () => console.log("ready"));
process.stdin.on("end", () => process.exit(0)).resume();
