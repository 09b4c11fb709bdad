// Books a session and queues its confirmation in one transaction, with node-postgres (npm install pg):
//   PGDATABASE=app node node_postgres.mjs 22222222-2222-4222-8222-222222222222 2026-05-13T09:00+10:00
import pg from "pg";

async function transaction(pool, work) {
  const connection = await pool.connect();
  try {
    await connection.query("BEGIN");
    const result = await work(connection);
    await connection.query("COMMIT");
    return result;
  } catch (error) {
    await connection.query("ROLLBACK");
    throw error;
  } finally {
    connection.release();
  }
}

async function book(connection, clientId, start) {
  const { rows: [client] } = await connection.query("SELECT * FROM clients WHERE id = $1", [clientId]);
  const { rows: [booking] } = await connection.query(
    "INSERT INTO bookings (org_id, client_id, start_time) VALUES ($1, $2, $3) RETURNING id",
    [client.org_id, client.id, start]);
  const { rows: [message] } = await connection.query(
    `SELECT sms_enqueue(org_id => $1, client_id => $2, to_phone => $3, template_key => 'booking_confirmation',
                        variables => $4, related_entity_type => 'booking', related_entity_id => $5,
                        idempotency_key => $6) AS id`,
    [client.org_id, client.id, client.phone,
     { client_name: client.full_name.split(" ")[0],
       session_datetime: start.toLocaleString("en-AU", { timeZone: "Australia/Sydney", dateStyle: "medium", timeStyle: "short" }) },
     booking.id, `booking-confirmation-${booking.id}`]);
  return { booking: booking.id, message: message.id };
}

const [clientId, start] = process.argv.slice(2);
const pool = new pg.Pool();
try {
  const { booking, message } = await transaction(pool, (connection) => book(connection, clientId, new Date(start)));
  console.log(`booking ${booking}, message ${message}`);
} catch (error) {
  console.error(`${error.code}: ${error.message}`); // SM006, for example: the phone is no number
  process.exitCode = 1;
} finally {
  await pool.end();
}
