// run_edge_function.mjs DATABASE: runs edge_function.ts without Deno, before a stand-in for PostgREST that calls the
// function by psql. Prints the port, and ends when its standard input does.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const database = process.argv[2];
let handler;
globalThis.Deno = { serve: (given) => { handler = given; }, env: { get: (name) => process.env[name] } };

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

// As PostgREST answers for a function with OUT parameters: one JSON object.
function rpc(body) {
  const { url, body: form, signature } = JSON.parse(body);
  const set = ["-v", `url=${url}`, "-v", `form=${form}`, ...(signature === null ? [] : ["-v", `signature=${signature}`])];
  const sql = `SELECT row_to_json(w) FROM sms_twilio_webhook(:'url', :'form', ${signature === null ? "NULL" : ":'signature'"}) w`;
  return execFileSync("psql", ["-XqAt", "-d", database, "-v", "ON_ERROR_STOP=1", ...set], { input: sql });
}

function listen(answer) {
  const server = createServer(answer).listen(0, "127.0.0.1");
  return new Promise((resolve) => server.on("listening", () => resolve(server.address().port)));
}

const inner = await listen(async (request, response) => {
  const known = request.url === "/rest/v1/rpc/sms_twilio_webhook" && request.headers["content-type"] === "application/json";
  try {
    response.writeHead(known ? 200 : 404, { "content-type": "application/json" }).end(known ? rpc(await bodyOf(request)) : "{}");
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
});
process.env.SUPABASE_URL = `http://127.0.0.1:${inner}`;
process.env.SUPABASE_SERVICE_ROLE_KEY = "key";
const source = readFileSync(new URL("edge_function.ts", import.meta.url), "utf8");
await import("data:text/javascript," + encodeURIComponent(source));

const outer = await listen(async (request, response) => {
  const body = await bodyOf(request);
  const answer = await handler(new Request(`http://edge.internal${request.url}`, { method: "POST", headers: request.headers, body }));
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
});
console.log(outer);
process.stdin.on("end", () => process.exit(0)).resume();
