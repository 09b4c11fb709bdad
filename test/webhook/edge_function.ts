// A Supabase Edge Function that hands Twilio's calls to the database as they came. Twilio posts a form, and PostgREST
// would take it apart before a signature can be checked: so it is sent again as text/plain, byte for byte.
// Deploy it with: supabase functions deploy twilio-webhook --no-verify-jwt (Twilio has no JWT; its signature is checked).
const key = Deno.env.get("SUPABASE_SERVICE_ROLE_KEY");
const target = `${Deno.env.get("SUPABASE_URL")}/rest/v1/rpc/sms_twilio_webhook_raw`;

Deno.serve(async (request) => {
  const headers = {
    "content-type": "text/plain",
    "x-called-url": request.url,
    "x-twilio-signature": request.headers.get("x-twilio-signature") ?? "",
    apikey: key,
    authorization: `Bearer ${key}`,
  };
  const answer = await fetch(target, { method: "POST", headers, body: await request.arrayBuffer() });
  return new Response(null, { status: answer.status });
});
