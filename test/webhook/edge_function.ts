// A Supabase Edge Function that hands Twilio's calls to the database as they came. Twilio posts a form, and PostgREST
// would take it apart before a signature can be checked: so the raw body travels as one text within JSON.
// Deploy it with: supabase functions deploy twilio-webhook --no-verify-jwt (Twilio has no JWT; its signature is checked).
Deno.serve(async (request) => {
  const call = { url: request.url, body: await request.text(), signature: request.headers.get("x-twilio-signature") };
  const key = Deno.env.get("SUPABASE_SERVICE_ROLE_KEY");
  const headers = { apikey: key, authorization: `Bearer ${key}`, "content-type": "application/json" };
  const answer = await fetch(`${Deno.env.get("SUPABASE_URL")}/rest/v1/rpc/sms_twilio_webhook`, { method: "POST", headers, body: JSON.stringify(call) });
  if (!answer.ok) return new Response("not now", { status: 503 });
  const { http_status, content_type, response } = await answer.json();
  return new Response(response, { status: http_status, headers: { "content-type": content_type } });
});
