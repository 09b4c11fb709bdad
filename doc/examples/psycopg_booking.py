"""Books a session and queues its confirmation in one transaction, with psycopg 3 (apt install python3-psycopg):

    PGDATABASE=app python3 psycopg_booking.py 22222222-2222-4222-8222-222222222222 2026-05-13T09:00+10:00
"""

import sys
from datetime import datetime
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb


def book(connection, client_id, start):
    with connection.transaction():
        client = connection.execute("SELECT * FROM clients WHERE id = %s", [client_id]).fetchone()
        booking = connection.execute(
            "INSERT INTO bookings (org_id, client_id, start_time) VALUES (%s, %s, %s) RETURNING id",
            [client.org_id, client.id, start],
        ).fetchone()
        message = connection.execute(
            """SELECT sms_enqueue(org_id => %s, client_id => %s, to_phone => %s, template_key => 'booking_confirmation',
                                  variables => %s, related_entity_type => 'booking', related_entity_id => %s,
                                  idempotency_key => %s) AS id""",
            [
                client.org_id, client.id, client.phone,
                Jsonb({
                    "client_name": client.full_name.split()[0],
                    "session_datetime": start.astimezone(ZoneInfo("Australia/Sydney")).strftime("%a %d %b, %H:%M"),
                }),
                booking.id, f"booking-confirmation-{booking.id}",
            ],
        ).fetchone()
    return booking.id, message.id


def main():
    client_id, start = sys.argv[1:]
    with psycopg.connect(autocommit=True, row_factory=namedtuple_row) as connection:
        try:
            booking, message = book(connection, client_id, datetime.fromisoformat(start))
        except psycopg.Error as error:  # SM006, for example: the phone is no number
            sys.exit(f"{error.sqlstate}: {error}")
    print(f"booking {booking}, message {message}")


if __name__ == "__main__":
    main()
