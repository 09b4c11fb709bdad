// Books a session and queues its confirmation in one transaction, with the function of book_session.sql and supabase-js
// (npm install @supabase/supabase-js; its newest version takes Node 22):
//   SUPABASE_URL=… SUPABASE_SERVICE_ROLE_KEY=… node supabase.mjs 22222222-2222-4222-8222-222222222222 2026-05-13T09:00+10:00
import { createClient } from "@supabase/supabase-js";

const supabase = createClient(process.env.SUPABASE_URL, process.env.SUPABASE_SERVICE_ROLE_KEY,
  { auth: { persistSession: false } });

const [client_id, start_time] = process.argv.slice(2);
const { data, error } = await supabase.rpc("book_session", { client_id, start_time });
if (error) {
  console.error(`${error.code}: ${error.message}`); // SM006, for example: the phone is no number
  process.exitCode = 1;
} else {
  console.log(`booking ${data.booking}, message ${data.message}`);
}
